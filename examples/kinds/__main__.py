"""Draw the pictures and clips anew: `python -m examples.kinds`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from examples.model_endpoint.models import AURORA, generate
from examples.model_endpoint.pictures import PASTEL, paint

FOLDER = Path(__file__).parent
SIDE = 256
PICTURES = {
    "balloon.png": "A red balloon over a green meadow",
    "boat.png": "A white boat on the sea",
}
CLIPS = {
    "bird.mp4": "A white bird flying left to right at sunset",
    "fish.mp4": "An orange fish swimming left to right in the sea",
}


def main() -> None:
    painter = replace(PASTEL, width=SIDE, height=SIDE)
    for name, prompt in PICTURES.items():
        (FOLDER / name).write_bytes(paint(painter, prompt, 1))
    camera = replace(AURORA, width=SIDE, height=SIDE, seconds=1)
    for name, prompt in CLIPS.items():
        generate(camera, prompt, 1, FOLDER / name, lambda _: None)


if __name__ == "__main__":
    main()
