"""A picture to be made, and the port to what makes it."""

from __future__ import annotations

from typing import Protocol

import attrs

SIDE_PIXELS_MIN, SIDE_PIXELS_MAX, SIDE_PIXELS_STEP = 64, 1024, 8
STEPS_MAX = 100
PROMPT_CHARS_MAX = 2_000
PICTURE_BYTES_MAX = 20_000_000


@attrs.frozen(kw_only=True)
class Picture:
    """What to paint, and what it may take: the same picture is painted again from the same values.

    ``within_s`` bounds it from the start of the program to the last byte of the picture.
    """

    prompt: str
    width: int
    height: int
    steps: int
    seed: int
    within_s: float


class Painter(Protocol):
    """A model that paints."""

    async def paint(self, picture: Picture) -> bytes:
        """Paint, and return a PNG of at most ``PICTURE_BYTES_MAX`` bytes.

        Raises:
            ToolError: ``timeout``, or ``failed``: the model cannot be loaded, or cannot paint this.
        """
        ...
