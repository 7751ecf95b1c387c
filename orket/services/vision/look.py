"""Looks at a picture; run as a program inside a sandbox, because decoders are where strangers' files do harm.

The picture comes on standard input, what was seen goes out as one JSON object; ``error`` says why not.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from typing import Any

PIXELS_MAX = 40_000_000
COLOURS_MAX = 5
EXIF_MAX = 40
EXIF_CHARS_MAX = 200
SIDE_PIXELS = 128


def look(content: bytes) -> dict[str, object]:
    """Say what a picture is."""
    from PIL import ExifTags, Image

    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        if width * height > PIXELS_MAX:
            return {"error": f"{width} x {height} pixels, at most {PIXELS_MAX} are looked at"}
        told: dict[str, object] = {"format": image.format, "width": width, "height": height}
        told |= {"mode": image.mode, "frames": getattr(image, "n_frames", 1)}
        names = ExifTags.TAGS
        found = [(names.get(tag, str(tag)), value) for tag, value in image.getexif().items()]
        told["exif"] = {
            name: value[:EXIF_CHARS_MAX] for name, value in found[:EXIF_MAX] if isinstance(value, str)
        }
        small = image.convert("RGB")
        small.thumbnail((SIDE_PIXELS, SIDE_PIXELS))
        told["colours"] = _colours(small)
        return told


def _colours(image: Any) -> list[dict[str, object]]:
    """List the colours that most of a small picture has, with their share."""
    drawn = image.quantize(COLOURS_MAX)
    palette, pixels = drawn.getpalette(), image.width * image.height
    counted = sorted(drawn.getcolors(), reverse=True)
    return [
        {"colour": f"#{bytes(palette[3 * n : 3 * n + 3]).hex()}", "share": round(count / pixels, 3)}
        for count, n in counted
    ]


def main() -> None:
    """Read, look, tell."""
    try:
        told = look(sys.stdin.buffer.read())
    except (
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
        ArithmeticError,
        LookupError,
        ImportError,
    ) as error:
        told = {"error": f"{type(error).__name__}: {error}"[:500]}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
