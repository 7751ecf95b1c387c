"""Tools of installed packages: found by entry point in a process of their own, or refused with the place."""

import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from orket.domain.tools import Permission, Recovery
from orket.services.tools.tool import Arguments, declare, done


class HelloArguments(Arguments):
    \"\"\"Nothing.\"\"\"


async def hello(args, context, workbench):
    return done(said="hello")


TOOL = declare(
    hello, HelloArguments, name="hello", description="Greets.", permissions=(Permission.READ_CARDS,),
    recovery=Recovery.IDEMPOTENT,
)
CLASH = declare(
    hello, HelloArguments, name="read_file", description="Greets.", permissions=(Permission.READ_CARDS,),
    recovery=Recovery.IDEMPOTENT,
)
"""
SHOW = """
from pathlib import Path
from orket.bootstrap.tools import installed_tools
from orket.settings import load_settings
print(*installed_tools(load_settings({}, Path.cwd())))
assert "httpx2" not in sys.modules
"""


def install(folder: Path, entry: str) -> None:
    """Lay out a package as an installer does: its module, and its metadata beside it."""
    (folder / "greeting.py").write_text(MODULE)
    metadata = folder / "greeting-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[orket.tools]\n{entry}\n")


def show(folder: Path) -> subprocess.CompletedProcess[str]:
    """List the tools in a process that has the package; importing it here would leave it behind."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{SHOW}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_a_tool_of_an_installed_package_is_there(tmp_path: Path) -> None:
    install(tmp_path, "hello = greeting:TOOL")
    told = show(tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert {"hello", "read_file"} <= set(told.stdout.split())


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("hello = greeting:NOWHERE", "has no attribute 'NOWHERE'"),
        ("hello = nowhere:TOOL", "No module named 'nowhere'"),
        ("hello = greeting:hello", "is a function"),
        ("hallo = greeting:TOOL", "its tool is named 'hello'"),
        ("read_file = greeting:CLASH", "two tools are named 'read_file'"),
    ],
)
def test_one_that_cannot_be_used_is_told_with_its_place(tmp_path: Path, entry: str, why: str) -> None:
    install(tmp_path, entry)
    told = show(tmp_path)
    assert told.returncode == 1
    assert "SettingsError" in told.stderr
    assert why in told.stderr
