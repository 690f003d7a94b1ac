"""The things, drawn large from smooth outlines and lit as if they were soft bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]
Colour = tuple[int, int, int]
SUPERSAMPLING = 2
LIGHT = np.array([-0.48, -0.62, 0.62])
CREAM, INK, WOOD = (255, 250, 238), (44, 46, 62), (146, 92, 58)


def shaded(outline: Image.Image, colour: Colour, relief: float) -> Image.Image:
    """Fill an outline (mode L) with a colour, lit from the upper left.

    The blurred outline serves as height: its slope gives the light, so that any shape looks
    rounded. `relief` is 0 for flat, 1 for a ball.
    """
    mask = np.asarray(outline, np.float32) / 255
    radius = outline.width * 0.075
    height = sum(
        np.asarray(outline.filter(ImageFilter.GaussianBlur(radius * scale)), np.float32) / 255
        for scale in (0.35, 1.0, 2.0)
    )
    down, right = np.gradient(height * outline.width * 0.16 * relief)
    normal = np.dstack([-right, -down, np.ones_like(right)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    light = np.clip(normal @ LIGHT, 0, 1)
    gloss = np.clip(light, 0, 1) ** 14 * 70 * relief
    body = np.array(colour, np.float32) * (0.5 + 0.72 * light)[..., None]
    rim = np.array([60, 70, 120]) * (0.16 * (1 - light))[..., None]
    pixels = np.clip(body + rim + gloss[..., None], 0, 255)
    return Image.fromarray(np.dstack([pixels, mask * 255]).astype(np.uint8))


class Canvas:
    """A square sheet with coordinates from -1 to 1, parts laid one over another."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels * SUPERSAMPLING
        self.sheet = Image.new("RGBA", (self.pixels, self.pixels))

    def at(self, points: Sequence[Point]) -> list[Point]:
        return [((x + 1) * self.pixels / 2, (y + 1) * self.pixels / 2) for x, y in points]

    def part(self, points: Sequence[Point], colour: Colour, relief: float = 0.6) -> None:
        """A closed outline through the points."""
        outline = Image.new("L", self.sheet.size)
        ImageDraw.Draw(outline).polygon(self.at(points), fill=255)
        self.sheet.alpha_composite(shaded(outline, colour, relief))

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        ImageDraw.Draw(self.sheet).line(
            self.at(points), fill=(*colour, 255), width=round(width * self.pixels), joint="curve"
        )

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float) -> None:
        """A soft light behind what follows, gone at its radius."""
        rows, columns = np.mgrid[0 : self.pixels, 0 : self.pixels] * (2 / self.pixels) - 1
        distance = np.hypot(columns - centre[0], rows - centre[1]) / radius
        light = np.clip(1 - distance, 0, 1) ** 1.6 * 255 * strength
        sheet = Image.new("RGBA", self.sheet.size, colour)
        sheet.putalpha(Image.fromarray(light.astype(np.uint8)))
        self.sheet.alpha_composite(sheet)

    def finished(self) -> Image.Image:
        size = self.pixels // SUPERSAMPLING
        return self.sheet.resize((size, size), Image.Resampling.LANCZOS)


def oval(x: float, y: float, across: float, down: float, tilt: float = 0) -> list[Point]:
    """Points of an ellipse; tilt in radians."""
    angles = [n * pi / 60 for n in range(120)]
    return [
        (
            x + across * cos(a) * cos(tilt) - down * sin(a) * sin(tilt),
            y + across * cos(a) * sin(tilt) + down * sin(a) * cos(tilt),
        )
        for a in angles
    ]


def curve(*anchors: Point) -> list[Point]:
    """A smooth closed outline through the anchors (Catmull-Rom)."""
    points = []
    for index in range(len(anchors)):
        p0, p1, p2, p3 = (
            np.array(anchors[(index + step) % len(anchors)]) for step in (-1, 0, 1, 2)
        )
        for t in np.linspace(0, 1, 14, endpoint=False):
            point = (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            ) / 2
            points.append((float(point[0]), float(point[1])))
    return points


def eye(canvas: Canvas, x: float, y: float, size: float = 0.09) -> None:
    canvas.part(oval(x, y, size, size * 1.1), CREAM, 0.2)
    canvas.part(oval(x + size * 0.25, y, size * 0.55, size * 0.65), INK, 0.3)


def tinted(colour: Colour, factor: float) -> Colour:
    """Lighter (factor over 1) or darker."""
    red, green, blue = (min(255, round(channel * factor)) for channel in colour)
    return red, green, blue


def ball(canvas: Canvas, colour: Colour) -> None:
    canvas.part(oval(0, 0, 0.72, 0.72), colour, 1.0)
    band = [(-0.7, -0.16), (0, 0.02), (0.7, -0.16), (0.71, 0.12), (0, 0.32), (-0.71, 0.12)]
    canvas.part(band_of(band), tinted(CREAM, 0.98), 0.5)


def band_of(corners: Sequence[Point]) -> list[Point]:
    """The part of a curved band that lies on the ball."""
    inside = [(x, y) for x, y in curve(*corners) if x * x + y * y <= 0.518]
    return inside or list(corners)


def balloon(canvas: Canvas, colour: Colour) -> None:
    canvas.line([(0, 0.42), (0.05, 0.6), (-0.04, 0.78), (0.02, 0.97)], CREAM, 0.008)
    canvas.part([(0, 0.34), (-0.09, 0.5), (0.09, 0.5)], tinted(colour, 0.85), 0.4)
    shape = curve(
        (0, -0.92),
        (0.46, -0.72),
        (0.56, -0.28),
        (0.3, 0.2),
        (0, 0.4),
        (-0.3, 0.2),
        (-0.56, -0.28),
        (-0.46, -0.72),
    )
    canvas.part(shape, colour, 1.0)
    canvas.part(oval(-0.24, -0.56, 0.07, 0.15, 0.5), tinted(colour, 1.9), 0.1)


def star(canvas: Canvas, colour: Colour) -> None:
    canvas.glow((0, 0), 1.0, tinted(colour, 1.2), 0.8)
    spokes = [
        (radius * sin(n * pi / 5), -radius * cos(n * pi / 5))
        for n in range(10)
        for radius in ((0.78, 0.36)[n % 2],)
    ]
    canvas.part(spokes, colour, 0.9)


def fish(canvas: Canvas, colour: Colour) -> None:
    fin = tinted(colour, 0.82)
    canvas.part(curve((-0.42, 0), (-0.9, -0.42), (-0.76, 0), (-0.9, 0.42)), fin, 0.5)
    canvas.part(curve((-0.25, -0.3), (0, -0.72), (0.34, -0.3)), fin, 0.5)
    canvas.part(curve((-0.1, 0.3), (-0.14, 0.6), (0.2, 0.32)), fin, 0.5)
    canvas.part(
        curve(
            (0.8, 0.02),
            (0.5, -0.32),
            (0, -0.42),
            (-0.52, -0.06),
            (-0.52, 0.06),
            (0, 0.4),
            (0.5, 0.3),
        ),
        colour,
        0.9,
    )
    for x in (-0.16, 0.1):
        canvas.part(
            curve((x, -0.3), (x + 0.1, 0), (x, 0.3), (x + 0.02, 0)), tinted(colour, 1.25), 0.2
        )
    eye(canvas, 0.5, -0.1)


def kite(canvas: Canvas, colour: Colour) -> None:
    canvas.line([(0, 0.45), (0.1, 0.58), (-0.08, 0.72), (0.06, 0.86), (-0.04, 0.98)], CREAM, 0.01)
    for x, y in ((0.06, 0.6), (-0.04, 0.76), (0.03, 0.9)):
        canvas.part(
            [
                (x - 0.09, y - 0.05),
                (x + 0.09, y + 0.05),
                (x + 0.09, y - 0.05),
                (x - 0.09, y + 0.05),
            ],
            (250, 196, 70),
            0.3,
        )
    canvas.part([(0, -0.92), (0.54, -0.28), (0, 0.46), (-0.54, -0.28)], colour, 0.5)
    canvas.part([(0, -0.92), (0.54, -0.28), (0, -0.28)], tinted(colour, 1.28), 0.4)
    canvas.part([(0, 0.46), (-0.54, -0.28), (0, -0.28)], tinted(colour, 0.76), 0.4)


def boat(canvas: Canvas, colour: Colour) -> None:
    canvas.line([(0.02, 0.4), (0.02, -0.9)], WOOD, 0.022)
    canvas.part(
        curve((0.08, -0.82), (0.44, -0.3), (0.66, 0.2), (0.3, 0.26), (0.08, 0.24)), colour, 0.7
    )
    canvas.part(
        curve((-0.04, -0.66), (-0.04, 0.22), (-0.46, 0.22), (-0.26, -0.16)),
        tinted(colour, 0.9),
        0.7,
    )
    canvas.part([(-0.78, 0.34), (0.82, 0.34), (0.56, 0.7), (-0.5, 0.7)], (176, 74, 58), 0.7)
    canvas.part([(-0.78, 0.34), (0.82, 0.34), (0.77, 0.42), (-0.72, 0.42)], CREAM, 0.2)


def bird(canvas: Canvas, colour: Colour) -> None:
    canvas.part(
        curve((-0.4, 0.06), (-0.86, 0.02), (-0.82, 0.24), (-0.4, 0.2)), tinted(colour, 0.8), 0.4
    )
    canvas.part(
        curve((-0.1, 0), (-0.5, -0.7), (-0.3, -0.66), (0.2, -0.06)), tinted(colour, 0.78), 0.5
    )
    canvas.part([(0.7, -0.1), (0.93, -0.02), (0.68, 0.06)], (244, 158, 52), 0.4)
    canvas.part(
        curve(
            (0.74, -0.06),
            (0.56, -0.24),
            (0.34, -0.14),
            (-0.1, -0.1),
            (-0.56, 0.12),
            (-0.1, 0.34),
            (0.42, 0.22),
        ),
        colour,
        0.8,
    )
    canvas.part(
        curve((0.16, 0), (-0.2, -0.82), (-0.44, -0.74), (-0.34, 0.06), (0, 0.16)),
        tinted(colour, 0.94),
        0.6,
    )
    eye(canvas, 0.54, -0.08, 0.055)


def butterfly(canvas: Canvas, colour: Colour) -> None:
    for side in (-1, 1):
        upper = [(0.04, -0.04), (0.3, -0.66), (0.78, -0.68), (0.72, -0.2), (0.3, 0.06)]
        lower = [(0.04, 0.04), (0.42, 0.06), (0.6, 0.4), (0.38, 0.68), (0.12, 0.36)]
        canvas.part(curve(*[(side * x, y) for x, y in lower]), tinted(colour, 0.82), 0.5)
        canvas.part(curve(*[(side * x, y) for x, y in upper]), colour, 0.5)
        canvas.part(oval(side * 0.52, -0.42, 0.13, 0.13), tinted(colour, 1.45), 0.3)
        canvas.part(oval(side * 0.38, 0.36, 0.09, 0.09), tinted(colour, 1.35), 0.3)
        canvas.line([(0, -0.4), (side * 0.1, -0.62), (side * 0.2, -0.7)], INK, 0.014)
    canvas.part(oval(0, 0, 0.075, 0.46), INK, 0.6)


def flower(canvas: Canvas, colour: Colour) -> None:
    canvas.part(curve((-0.03, 0), (0.04, 0), (0.05, 0.98), (-0.05, 0.98)), (74, 150, 76), 0.5)
    canvas.part(curve((0.02, 0.78), (0.2, 0.5), (0.5, 0.44), (0.3, 0.72)), (92, 172, 84), 0.5)
    for n in range(7):
        angle = n * 2 * pi / 7 - pi / 2
        petal = oval(0.34 * cos(angle), -0.32 + 0.34 * sin(angle), 0.3, 0.17, angle)
        canvas.part(petal, tinted(colour, 0.92 + 0.04 * (n % 3)), 0.6)
    canvas.part(oval(0, -0.32, 0.19, 0.19), (250, 200, 70), 0.8)


def heart(canvas: Canvas, colour: Colour) -> None:
    steps = [n * pi / 60 for n in range(120)]
    outline = [
        (
            0.047 * 16 * sin(t) ** 3,
            -0.047 * (13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)),
        )
        for t in steps
    ]
    canvas.part(outline, colour, 1.0)


def moon(canvas: Canvas, colour: Colour) -> None:
    canvas.glow((0, 0), 1.0, tinted(colour, 1.2), 0.9)
    canvas.part(oval(0, 0, 0.66, 0.66), colour, 0.9)
    for x, y, size in (
        (-0.2, -0.16, 0.14),
        (0.22, 0.1, 0.2),
        (-0.1, 0.34, 0.1),
        (0.2, -0.34, 0.08),
    ):
        canvas.part(oval(x, y, size, size * 0.92), tinted(colour, 0.86), 0.3)


def lantern(canvas: Canvas, colour: Colour) -> None:
    canvas.glow((0, 0), 1.0, (255, 190, 90), 0.95)
    canvas.part(
        curve((-0.36, -0.56), (0.36, -0.56), (0.5, 0), (0.36, 0.5), (-0.36, 0.5), (-0.5, 0)),
        colour,
        0.7,
    )
    canvas.glow((0, 0.14), 0.5, (255, 240, 170), 1.0)
    for x in (-0.26, 0, 0.26):
        canvas.line([(x * 0.8, -0.58), (x * 1.2, 0), (x * 0.8, 0.52)], tinted(colour, 0.72), 0.01)
    for y in (-0.6, 0.52):
        canvas.part([(-0.3, y), (0.3, y), (0.3, y + 0.1), (-0.3, y + 0.1)], WOOD, 0.5)


def leaf(canvas: Canvas, colour: Colour) -> None:
    canvas.part(
        curve((-0.74, 0.5), (-0.44, -0.2), (0.2, -0.56), (0.78, -0.62), (0.6, 0), (0.06, 0.44)),
        colour,
        0.7,
    )
    vein = tinted(colour, 0.62)
    canvas.line([(-0.92, 0.66), (-0.3, 0.14), (0.66, -0.52)], vein, 0.014)
    for x, y in ((-0.3, 0.14), (0, -0.06), (0.3, -0.27)):
        canvas.line([(x, y), (x + 0.04, y - 0.22)], vein, 0.008)
        canvas.line([(x, y), (x + 0.24, y + 0.04)], vein, 0.008)


def rocket(canvas: Canvas, colour: Colour) -> None:
    canvas.glow((0, 0.6), 0.4, (255, 190, 90), 0.9)
    canvas.part(
        curve((-0.16, 0.5), (0.16, 0.5), (0.1, 0.76), (0, 0.96), (-0.1, 0.76)), (250, 160, 50), 0.3
    )
    canvas.part(curve((-0.08, 0.5), (0.08, 0.5), (0, 0.78)), (255, 232, 140), 0.2)
    for side in (-1, 1):
        canvas.part(
            curve((side * 0.22, 0.06), (side * 0.5, 0.34), (side * 0.5, 0.62), (side * 0.2, 0.48)),
            colour,
            0.6,
        )
    canvas.part(
        curve(
            (0, -0.94),
            (0.24, -0.5),
            (0.3, 0.06),
            (0.2, 0.54),
            (-0.2, 0.54),
            (-0.3, 0.06),
            (-0.24, -0.5),
        ),
        CREAM,
        0.9,
    )
    canvas.part(
        curve((0, -0.95), (0.15, -0.72), (0.23, -0.48), (0, -0.42), (-0.23, -0.48), (-0.15, -0.72)),
        colour,
        0.8,
    )
    canvas.part(oval(0, -0.12, 0.15, 0.15), colour, 0.6)
    canvas.part(oval(0, -0.12, 0.1, 0.1), (140, 208, 240), 0.7)


PAINTERS: dict[str, Callable[[Canvas, Colour], None]] = {
    painter.__name__: painter
    for painter in (
        ball, balloon, star, fish, kite, boat, bird, butterfly, flower, heart, moon, lantern,
        leaf, rocket,
    )
}  # fmt: skip


@lru_cache(maxsize=64)
def sprite(thing: str, colour: Colour, pixels: int) -> Image.Image:
    """A thing on a transparent square of the given side, facing right."""
    canvas = Canvas(pixels)
    PAINTERS[thing](canvas, colour)
    return canvas.finished()
