"""Pictures, looked at inside the sandbox: what they are, and what is none."""

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from orket.services.tool_messages import Settle
from orket.services.tools import image_analyze
from orket.services.tools.toolbox import make_toolbox
from tests.orket.services.rooms import Rooms, rooms

Image = pytest.importorskip("PIL.Image", reason="needs the extra 'vision'")

pytestmark = pytest.mark.anyio
TOOLBOX = make_toolbox((image_analyze.TOOL,))


async def look(room: Rooms, path: str, index: int) -> tuple[str, Any]:
    asked = room.ask_for("image_analyze", index, offered=("image_analyze",), path=path)
    outcome = await room.executor.ask(asked)
    assert outcome.result is not None
    room.executor.tell(Settle(call_id=asked.call.id))
    result = outcome.result
    return (result.code, result.output) if not result.ok else ("", json.loads(result.output))


def picture() -> bytes:
    image = Image.new("RGB", (40, 20), "#ff0000")
    image.paste("#0000ff", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x010E] = "a red wall"
    written = io.BytesIO()
    image.save(written, "PNG", exif=exif)
    return written.getvalue()


def bomb() -> bytes:
    """A small file that says it is very large."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


async def test_a_picture_is_described_and_anything_else_refused(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "wall.png").write_bytes(picture())
    (work / "cut.png").write_bytes(picture()[:60])
    (work / "text.png").write_text("no picture")
    (work / "bomb.png").write_bytes(bomb())
    async with rooms(tmp_path, toolbox=TOOLBOX) as room:
        code, told = await look(room, "wall.png", 0)
        assert code == "", told
        assert (told["format"], told["width"], told["height"], told["mode"], told["frames"]) == (
            "PNG",
            40,
            20,
            "RGB",
            1,
        )
        assert told["exif"] == {"ImageDescription": "a red wall"}
        assert told["colours"] == [{"colour": "#ff0000", "share": 0.75}, {"colour": "#0000ff", "share": 0.25}]
        for index, name in enumerate(("cut.png", "text.png", "bomb.png"), 1):
            assert (await look(room, name, index))[0] == "not_an_image", name
        assert (await look(room, "missing.png", 4))[0] == "not_found"
