"""Painting in a child process: it paints, or says why not, and is gone in time."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

import anyio
import attrs
import pytest

from orket.domain.errors import ToolError
from orket.domain.pictures import Picture
from orket.infrastructure.vision import LocalPainter, why_absent
from orket.services.tool_messages import Settle
from orket.services.tools.image_generate import image_generate_tool
from orket.services.tools.toolbox import make_toolbox
from tests.orket.kit import Bell
from tests.orket.services.rooms import rooms

pytestmark = pytest.mark.anyio
WALL = Picture(prompt="a red wall", width=64, height=64, steps=2, seed=7, within_s=30.0)
TELL = "import json, os, sys, time\ngiven = json.loads(sys.stdin.readline())\nout = sys.stdout.buffer\n"


def painter(folder: Path, program: str) -> LocalPainter:
    """A painter whose program is written for the test."""
    file = folder / "program.py"
    file.write_text(TELL + program)
    return LocalPainter(folder, threads=1, program=file)


async def test_the_program_is_told_what_to_paint_and_its_picture_is_handed_on(tmp_path: Path) -> None:
    echo = "out.write(b'{}\\n' + json.dumps([given, sorted(os.environ)]).encode())"
    told, environ = json.loads(await painter(tmp_path, echo).paint(WALL))
    assert told == {"model": str(tmp_path), "threads": 1, **attrs.asdict(WALL)}
    assert not [name for name in environ if name.startswith("ORKET_") or name.endswith("_KEY")]
    assert "HF_HUB_OFFLINE" in environ


@pytest.mark.parametrize(
    ("program", "code", "why"),
    [
        ('out.write(b\'{"error": "no such colour"}\\n\')', "failed", "no such colour"),
        ("raise SystemExit('out of memory')", "failed", "without a picture; out of memory"),
        ("os._exit(0)", "failed", "it said nothing"),
        ("out.write(b'{}\\n' + bytes(20_000_001))", "too_large", "20000000"),
    ],
)
async def test_a_picture_that_cannot_be_painted(tmp_path: Path, program: str, code: str, why: str) -> None:
    with pytest.raises(ToolError, match=why) as told:
        await painter(tmp_path, program).paint(WALL)
    assert told.value.code == code


def is_gone(pid: int) -> bool:
    """Whether a process has ended; who waited for it is the painter."""
    return not Path(f"/proc/{pid}").exists()


HANG = """
with open(given["model"] + "/pid", "w") as file:
    file.write(str(os.getpid()))
with open(given["model"] + "/bell", "w") as bell:
    bell.write("!")
time.sleep(600)
"""


async def test_who_takes_too_long_is_killed(tmp_path: Path) -> None:
    with Bell(tmp_path), anyio.fail_after(50), pytest.raises(ToolError) as told:
        await painter(tmp_path, HANG).paint(attrs.evolve(WALL, within_s=2.0))
    assert told.value.code == "timeout"
    assert is_gone(int((tmp_path / "pid").read_text()))


async def test_who_is_cancelled_is_killed(tmp_path: Path) -> None:
    with Bell(tmp_path) as bell, anyio.fail_after(50):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(painter(tmp_path, HANG).paint, WALL)
            await bell.rung()
            tasks.cancel_scope.cancel()
    assert is_gone(int((tmp_path / "pid").read_text()))


ALONE = """
os.mkdir(given["model"] + "/busy")
time.sleep(0.05)
os.rmdir(given["model"] + "/busy")
out.write(b"{}\\n!")
"""


async def test_one_picture_at_a_time(tmp_path: Path) -> None:
    one = painter(tmp_path, ALONE)
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one.paint, WALL)


async def test_a_seat_gets_its_picture_into_its_workspace(tmp_path: Path) -> None:
    tool = image_generate_tool(painter(tmp_path, "out.write(b'{}\\n' + given['prompt'].encode())"))
    async with rooms(tmp_path, toolbox=make_toolbox((tool,))) as room:
        told = []
        for index, (path, width) in enumerate(
            [("walls/red.png", 64), ("red.gif", 64), ("red.png", 65), ("../red.png", 64)]
        ):
            asked = {"path": path, "width": width, "prompt": "a red wall"}
            call = room.ask_for("image_generate", index, offered=("image_generate",), **asked)
            told.append((await room.executor.ask(call)).result)
            room.executor.tell(Settle(call_id=call.call.id))
    fine, *refused = [one for one in told if one is not None]
    assert json.loads(fine.output) == {"path": "walls/red.png", "size_bytes": 10, "width": 64, "height": 512}
    assert (room.work / "walls" / "red.png").read_bytes() == b"a red wall"
    assert [(one.ok, one.code) for one in refused[:2]] == [(False, "bad_arguments")] * 2
    assert [one.ok for one in refused] == [False] * 3
    assert not (tmp_path / "red.png").exists()


def test_why_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orket.infrastructure.vision.painter._NEEDED", ("no_such_package", "json"))
    assert why_absent(tmp_path) == "not installed: no_such_package; pip install 'orket[vision]'"
    monkeypatch.setattr("orket.infrastructure.vision.painter._NEEDED", ("json",))
    assert why_absent(None) == "ORKET_IMAGE_MODEL names no folder with a diffusers pipeline"
    assert "no model_index.json" in why_absent(tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    assert why_absent(tmp_path) == ""


@pytest.mark.model
@pytest.mark.timeout(300)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_real_pipeline_paints(tmp_path: Path) -> None:
    if find_spec("torch") is None or find_spec("diffusers") is None or find_spec("transformers") is None:
        pytest.skip("torch, diffusers or transformers is not installed: pip install 'orket[vision]'")
    from tests.orket.infrastructure.vision.tiny_pipeline import build

    with anyio.fail_after(280):
        await build(tmp_path / "model")
        real = LocalPainter(tmp_path / "model", threads=1)
        wall = attrs.evolve(WALL, within_s=200.0)
        first, again = await real.paint(wall), await real.paint(wall)
        other = await real.paint(attrs.evolve(wall, seed=8))
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(first[16:20], "big") == int.from_bytes(first[20:24], "big") == 64
    assert first == again != other
    os.remove(tmp_path / "model" / "unet" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(ToolError, match="could not be painted"):
        await real.paint(wall)
