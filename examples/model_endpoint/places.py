"""Where scenes are set: a painted ground, and soft layers that move slowly over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Offset = Callable[[float], tuple[float, float]]
"""Time from 0 to 1 to pixels right and down."""


PHASES = 4
"""Slow layers move by quarter pixels; each is prepared once at each quarter."""


class Layer:
    """A transparent picture that moves over the ground."""

    def __init__(self, picture: Image.Image, offset: Offset) -> None:
        box = picture.getbbox() or (0, 0, 1, 1)
        self.left, self.top = box[0], box[1]
        self.offset = offset
        self.phases = [shifted(picture.crop(box), phase / PHASES) for phase in range(PHASES)]

    def lay(self, picture: Image.Image, time: float) -> None:
        right, down = self.offset(time)
        whole, phase = divmod(round(right * PHASES), PHASES)
        sheet = self.phases[phase]
        picture.paste(sheet, (self.left + whole, self.top + round(down)), sheet)


def shifted(picture: Image.Image, right: float) -> Image.Image:
    """Moved by part of a pixel."""
    size = (picture.width + 1, picture.height)
    shift = (1, 0, -right, 0, 1, 0)
    return picture.transform(size, Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR)


@dataclass(frozen=True)
class Place:
    """A ground, the layers behind and before the things, and where feet stand (0 top, 1 bottom)."""

    ground: Image.Image
    behind: tuple[Layer, ...] = ()
    before: tuple[Layer, ...] = ()
    floor: float | None = None


def gradient(width: int, height: int, stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """Top to bottom through the colours, dithered so that no bands show."""
    rows = np.linspace(0, 1, height)
    heights, colours = [at for at, _ in stops], np.array([colour for _, colour in stops])
    column = np.stack([np.interp(rows, heights, colours[:, c]) for c in range(3)], axis=1)
    dither = np.random.default_rng(0).uniform(-0.7, 0.7, (height, width, 1))
    return Image.fromarray(np.clip(column[:, None] + dither, 0, 255).astype(np.uint8))


def ridge(
    picture: Image.Image,
    base: float,
    swell: float,
    colour: Colour,
    phase: float,
    waves: float = 1.6,
) -> None:
    """A line of hills, filled to the bottom and lit along its edge."""
    width, height = picture.size
    fine = 2
    outline = Image.new("L", (width * fine, height * fine))
    xs = np.linspace(0, 1, width)
    ys = base + swell * (
        0.6 * np.sin(2 * pi * (waves * xs + phase))
        + 0.4 * np.sin(2 * pi * (waves * 2.3 * xs + phase * 3))
    )
    edge = [(x * width * fine, y * height * fine) for x, y in zip(xs, ys, strict=True)]
    ImageDraw.Draw(outline).polygon(
        [*edge, (width * fine, height * fine), (0, height * fine)], fill=255
    )
    mask = outline.resize(picture.size, Image.Resampling.LANCZOS)
    top = tuple(min(255, round(channel * 1.14 + 8)) for channel in colour)
    bottom = tuple(round(channel * 0.74) for channel in colour)
    fill = gradient(width, height, [(0, top), (base - swell, top), (1, bottom)])  # type: ignore[list-item]
    picture.paste(fill, (0, 0), mask)


def disc(
    picture: Image.Image, x: float, y: float, radius: float, colour: Colour, halo: float
) -> None:
    """A sun or moon with its halo; radius in parts of the height."""
    width, height = picture.size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(columns - x * width, rows - y * height) / height
    core = np.clip((radius - distance) * height + 0.5, 0, 1)
    light = np.clip(core + halo * np.exp(-np.maximum(distance - radius, 0) / (radius * 1.6)), 0, 1)
    flat = Image.new("RGB", picture.size, colour)
    picture.paste(flat, (0, 0), Image.fromarray((light * 255).astype(np.uint8)))


def clouds(
    width: int, height: int, rng: np.random.Generator, colour: Colour, top: float
) -> Image.Image:
    """Soft clouds in the upper part of a sheet wider than the picture."""
    shade = Image.new("L", (width * 3 // 2, height))
    draw = ImageDraw.Draw(shade)
    for x, y in zip((0.12, 0.45, 0.78, 0.98), rng.uniform(0.08, top, 4), strict=True):
        for _ in range(9):
            dx, dy = rng.normal(0, 0.055), abs(rng.normal(0, 0.016))
            size = rng.uniform(0.028, 0.062) * height
            cx, cy = (x + dx) * shade.width, (y - dy) * height
            draw.ellipse([cx - size * 1.5, cy - size, cx + size * 1.5, cy + size * 0.8], fill=215)
    sheet = Image.new("RGBA", shade.size, (*colour, 0))
    sheet.putalpha(shade.filter(ImageFilter.GaussianBlur(height * 0.012)))
    return sheet


def specks(
    width: int, height: int, rng: np.random.Generator, count: int, bottom: float, size: float
) -> Image.Image:
    """White dots of different size and brightness: stars, snow."""
    fine = 3
    shade = Image.new("L", (width * fine, height * fine))
    draw = ImageDraw.Draw(shade)
    for _ in range(count):
        x, y = rng.uniform(0, width) * fine, rng.uniform(0, bottom * height) * fine
        radius = rng.gamma(2.0, size) * height * fine / 900 + 0.9
        draw.ellipse(
            [x - radius, y - radius, x + radius, y + radius], fill=int(rng.integers(110, 256))
        )
    sheet = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    sheet.putalpha(shade.resize((width, height), Image.Resampling.LANCZOS))
    return sheet


def sliding(pixels: float) -> Offset:
    return lambda time: (-pixels * time, 0)


def rocking(pixels: float, phase: float) -> Offset:
    return lambda time: (
        pixels * (sin(2 * pi * (time + phase)) - 1),
        0,
    )


def night(width: int, height: int, rng: np.random.Generator) -> Place:
    sky = [(0, (14, 18, 52)), (0.55, (38, 46, 104)), (0.85, (92, 82, 150)), (1, (130, 100, 160))]
    ground = gradient(width, height, sky)
    ground.paste(stars := specks(width, height, rng, 130, 0.8, 0.55), (0, 0), stars)
    disc(ground, 0.8, 0.17, 0.06, (250, 244, 220), 0.34)
    ridge(ground, 0.86, 0.04, (44, 44, 92), 0.1)
    ridge(ground, 0.93, 0.03, (26, 28, 64), 0.55)
    mist = clouds(width, height, rng, (150, 150, 205), 0.5)
    mist.putalpha(mist.getchannel("A").point(lambda alpha: alpha // 9))
    return Place(ground, behind=(Layer(mist, sliding(width * 0.08)),))


def sea(width: int, height: int, rng: np.random.Generator) -> Place:
    return sea_under(
        gradient(
            width, height, [(0, (96, 176, 232)), (0.5, (206, 234, 246)), (1, (206, 234, 246))]
        ),
        rng,
        (44, 136, 186),
        (255, 255, 255),
    )


def sea_at_sunset(width: int, height: int, rng: np.random.Generator) -> Place:
    ground = sunset_sky(width, height)
    disc(ground, 0.68, 0.47, 0.1, (255, 236, 180), 0.5)
    return sea_under(ground, rng, (122, 84, 142), (255, 206, 176))


def sea_under(ground: Image.Image, rng: np.random.Generator, water: Colour, cloud: Colour) -> Place:
    """Waves under a sky: four rows, two of them before the things."""
    width, height = ground.size
    rows = [
        wave_row(width, height, base, darkened(water, shade), n)
        for n, (base, shade) in enumerate([(0.56, 1.22), (0.66, 1.06), (0.76, 0.92), (0.88, 0.76)])
    ]
    layers = [
        Layer(row, rocking(width * (0.02 + 0.012 * n), n * 0.29)) for n, row in enumerate(rows)
    ]
    sky = Layer(clouds(width, height, rng, cloud, 0.3), sliding(width * 0.07))
    return Place(ground, behind=(sky, *layers[:2]), before=tuple(layers[2:]))


def darkened(colour: Colour, factor: float) -> Colour:
    red, green, blue = (round(channel * factor) for channel in colour)
    return red, green, blue


def wave_row(width: int, height: int, base: float, colour: Colour, number: int) -> Image.Image:
    """One row of water, wider than the picture so that it can rock."""
    wide = width + round(width * 0.14)
    sheet = Image.new("RGB", (wide, round(height * 1.05)), colour)
    mark = Image.new("RGB", sheet.size)
    ridge(sheet, base, 0.008 + 0.003 * number, colour, number * 0.37, waves=4 - 0.5 * number)
    ridge(
        mark, base, 0.008 + 0.003 * number, (255, 255, 255), number * 0.37, waves=4 - 0.5 * number
    )
    covered = mark.convert("L").point(lambda level: min(255, level * 2))
    sheet.putalpha(covered)
    return sheet


def meadow(width: int, height: int, rng: np.random.Generator) -> Place:
    ground = gradient(
        width, height, [(0, (104, 182, 240)), (0.6, (214, 238, 250)), (1, (230, 244, 240))]
    )
    disc(ground, 0.16, 0.16, 0.07, (255, 246, 200), 0.4)
    for base, swell, colour, phase in (
        (0.64, 0.05, (132, 188, 150), 0.0),
        (0.72, 0.05, (120, 190, 104), 0.42),
        (0.83, 0.03, (92, 172, 78), 0.8),
    ):
        ridge(ground, base, swell, colour, phase)
    scatter_flowers(ground, rng)
    sky = Layer(clouds(width, height, rng, (255, 255, 255), 0.34), sliding(width * 0.1))
    return Place(ground, behind=(sky,), floor=0.9)


def scatter_flowers(ground: Image.Image, rng: np.random.Generator) -> None:
    fine, (width, height) = 3, ground.size
    sheet = Image.new("RGBA", (width * fine, height * fine))
    draw = ImageDraw.Draw(sheet)
    tints = [(255, 255, 255), (255, 226, 120), (250, 170, 200)]
    for y in sorted(rng.uniform(0.88, 0.99, 46)):
        x, size = rng.uniform(0, 1) * width * fine, (y - 0.8) * 0.042 * height * fine
        cy = y * height * fine
        tint = tints[rng.integers(0, 3)]
        draw.line(
            [x, cy, x, cy + size * 3.2], fill=(58, 128, 58, 255), width=max(1, round(size / 3))
        )
        draw.ellipse([x - size, cy - size, x + size, cy + size], fill=(*tint, 255))
        draw.ellipse(
            [x - size / 3, cy - size / 3, x + size / 3, cy + size / 3], fill=(240, 180, 60, 255)
        )
    small = sheet.resize(ground.size, Image.Resampling.LANCZOS)
    ground.paste(small, (0, 0), small)


def desert(width: int, height: int, rng: np.random.Generator) -> Place:
    ground = gradient(
        width, height, [(0, (126, 188, 226)), (0.55, (252, 228, 186)), (1, (252, 220, 170))]
    )
    disc(ground, 0.82, 0.2, 0.075, (255, 248, 214), 0.45)
    for base, swell, colour, phase in (
        (0.66, 0.05, (228, 178, 122), 0.2),
        (0.76, 0.05, (232, 170, 100), 0.63),
        (0.87, 0.03, (216, 146, 78), 0.95),
    ):
        ridge(ground, base, swell, colour, phase, waves=1.0)
    sky = clouds(width, height, rng, (255, 246, 230), 0.24)
    sky.putalpha(sky.getchannel("A").point(lambda alpha: alpha // 2))
    return Place(ground, behind=(Layer(sky, sliding(width * 0.06)),), floor=0.9)


def snow(width: int, height: int, rng: np.random.Generator) -> Place:
    ground = gradient(
        width, height, [(0, (134, 164, 204)), (0.6, (214, 226, 240)), (1, (232, 238, 248))]
    )
    for base, swell, colour, phase in (
        (0.62, 0.06, (164, 186, 216), 0.3),
        (0.74, 0.05, (204, 218, 238), 0.7),
        (0.86, 0.03, (232, 238, 250), 0.05),
    ):
        ridge(ground, base, swell, colour, phase)
    flakes = [
        specks(width, height * 2, rng, 70, 1, 0.75 + 0.5 * n).filter(
            ImageFilter.GaussianBlur(0.4 + n)
        )
        for n in range(2)
    ]
    layers = [
        Layer(sheet, falling(height * (0.35 + 0.3 * n), height)) for n, sheet in enumerate(flakes)
    ]
    return Place(ground, behind=(layers[0],), before=(layers[1],), floor=0.92)


def falling(pixels: float, height: int) -> Offset:
    return lambda time: (pixels * 0.05 * sin(2 * pi * time), pixels * time - height)


def sunset_sky(width: int, height: int) -> Image.Image:
    stops = [
        (0, (62, 56, 124)),
        (0.3, (166, 86, 148)),
        (0.55, (246, 142, 112)),
        (0.75, (255, 206, 136)),
        (1, (255, 224, 170)),
    ]
    return gradient(width, height, stops)


def sunset(width: int, height: int, rng: np.random.Generator) -> Place:
    ground = sunset_sky(width, height)
    disc(ground, 0.3, 0.66, 0.12, (255, 240, 190), 0.5)
    for base, swell, colour, phase in (
        (0.74, 0.06, (168, 92, 134), 0.15),
        (0.83, 0.05, (112, 64, 116), 0.5),
        (0.92, 0.03, (66, 44, 92), 0.9),
    ):
        ridge(ground, base, swell, colour, phase)
    sky = clouds(width, height, rng, (255, 190, 170), 0.36)
    return Place(ground, behind=(Layer(sky, sliding(width * 0.08)),))


def studio(width: int, height: int, rng: np.random.Generator) -> Place:
    stops = [
        (0, (206, 216, 238)),
        (0.7, (240, 238, 246)),
        (0.74, (226, 222, 236)),
        (1, (206, 202, 224)),
    ]
    return Place(gradient(width, height, stops), floor=0.86)


BUILDERS: dict[tuple[str, ...], Callable[[int, int, np.random.Generator], Place]] = {
    ("sea", "sunset"): sea_at_sunset,
    ("night",): night,
    ("sea",): sea,
    ("meadow",): meadow,
    ("desert",): desert,
    ("snow",): snow,
    ("sunset",): sunset,
}


def build_place(places: tuple[str, ...], width: int, height: int, seed: int) -> Place:
    """The named place, or the first of several that is known; a studio if none is."""
    builder = BUILDERS.get(places) or BUILDERS.get(places[:1]) or studio
    return builder(width, height, np.random.default_rng(seed))
