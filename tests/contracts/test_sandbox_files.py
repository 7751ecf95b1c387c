"""Every sandbox driver, asked to reach files outside its workspace."""

import contextlib
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orket.domain.errors import ToolError
from orket.domain.ports import OpenSandbox, SandboxDriver
from tests.contracts.sandbox_drivers import DRIVERS, opened, working

pytestmark = pytest.mark.anyio
SECRET = b"not for you"


@pytest.fixture(params=DRIVERS, ids=lambda one: one.name)
def driver(request: pytest.FixtureRequest) -> SandboxDriver:
    return working(request.param)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A workspace with a secret beside it and links of every kind in it."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "folder").mkdir()
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "plain.txt").write_bytes(b"plain")
    (work / "link").symlink_to(tmp_path / "secret")
    (work / "relative").symlink_to("../secret")
    (work / "inner").symlink_to("plain.txt")
    (work / "up").symlink_to("..")
    (work / "loop").symlink_to("loop")
    (work / "dangling").symlink_to("../made")
    os.mkfifo(work / "fifo")
    return work


@pytest.fixture
async def sandbox(driver: SandboxDriver, work: Path) -> AsyncIterator[OpenSandbox]:
    async with opened(driver, work) as one:
        yield one


async def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ToolError) as caught:
        await act()  # type: ignore[misc]  # every caller passes an async function
    assert caught.value.detail
    return caught.value.code


async def test_what_is_written_is_read_and_listed(sandbox: OpenSandbox, work: Path) -> None:
    await sandbox.write("a/b/c.txt", b"one")
    await sandbox.write("./a//b/./c.txt", b"two")
    assert await sandbox.read("a/b/c.txt", bytes_max=3) == b"two"
    assert await sandbox.entries("a") == ("b/",)
    assert await sandbox.entries("a/b/") == ("c.txt",)
    assert await sandbox.entries("") == (
        "a/",
        "dangling",
        "fifo",
        "inner",
        "link",
        "loop",
        "plain.txt",
        "relative",
        "sub/",
        "up",
    )
    assert (work / "a" / "b" / "c.txt").read_bytes() == b"two"


async def test_replacing_keeps_the_permissions_and_other_names_of_the_old_content(
    sandbox: OpenSandbox, work: Path
) -> None:
    (work / "plain.txt").chmod(0o750)
    os.link(work / "plain.txt", work / "other")
    await sandbox.write("plain.txt", b"new")
    assert stat.S_IMODE((work / "plain.txt").stat().st_mode) == 0o750
    assert (work / "other").read_bytes() == b"plain"


async def test_a_size_beyond_the_limit_is_refused(sandbox: OpenSandbox) -> None:
    assert await code_of(lambda: sandbox.read("plain.txt", bytes_max=4)) == "too_large"
    assert await sandbox.read("plain.txt", bytes_max=5) == b"plain"


READ_CODES = {
    "missing": "not_found",
    "sub/missing": "not_found",
    "missing/file": "not_found",
    "plain.txt/below": "not_a_folder",
    "sub": "not_a_file",
    "sub/": "not_a_file",
    ".": "not_a_file",
    "": "not_a_file",
    "fifo": "not_a_file",
    "/etc/passwd": "outside_workspace",
    "//etc/passwd": "outside_workspace",
    "../secret": "outside_workspace",
    "sub/../plain.txt": "outside_workspace",
    "sub/../../secret": "outside_workspace",
    "..": "outside_workspace",
    "link": "outside_workspace",
    "relative": "outside_workspace",
    "inner": "outside_workspace",
    "up/secret": "outside_workspace",
    "up/work/plain.txt": "outside_workspace",
    "loop": "outside_workspace",
    "loop/x": "outside_workspace",
    "dangling": "outside_workspace",
    "nul\0": "bad_arguments",
    "half \ud800": "bad_arguments",
    "x" * 300: "bad_arguments",
    "x/" * 100 + "x": "bad_arguments",
}


@pytest.mark.parametrize("path", READ_CODES, ids=repr)
async def test_reading_is_refused(sandbox: OpenSandbox, path: str) -> None:
    assert await code_of(lambda: sandbox.read(path, bytes_max=1000)) == READ_CODES[path]


@pytest.mark.parametrize("path", [path for path, code in READ_CODES.items() if code != "not_found"], ids=repr)
async def test_writing_is_refused_and_changes_nothing(
    sandbox: OpenSandbox, path: str, tmp_path: Path
) -> None:
    before = _snapshot(tmp_path)
    code = await code_of(lambda: sandbox.write(path, b"mine"))
    assert code == READ_CODES[path]
    assert _snapshot(tmp_path) == before


@pytest.mark.parametrize("path", ["up", "link", "..", "/", "loop", "plain.txt", "fifo", "missing"])
async def test_listing_is_refused(sandbox: OpenSandbox, path: str) -> None:
    expected = {"plain.txt": "not_a_folder", "fifo": "not_a_folder", "missing": "not_found"}
    assert await code_of(lambda: sandbox.entries(path)) == expected.get(path, "outside_workspace")


def _snapshot(folder: Path) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for here, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(here, name)
            if path.is_symlink():
                found[str(path)] = os.readlink(path)
            else:
                found[str(path)] = path.read_bytes() if path.is_file() else stat.filemode(path.stat().st_mode)
    return found


PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        "sub",
        "up",
        "link",
        "inner",
        "loop",
        "relative",
        "dangling",
        "fifo",
        "plain.txt",
        "new",
        "secret",
        "work",
        "folder",
        "\0",
        "a\\..\\b",
        "~",
        "%2e%2e",
        "\u2024\u2024",
        "C:",
        "-",
        "proc",
        "etc",
    ]
)
PATHS = st.builds(
    lambda lead, parts: lead + "/".join(parts),
    st.sampled_from(["", "/", "//", "./"]),
    st.lists(PARTS, max_size=6),
)


@given(path=PATHS | st.text(max_size=12), content=st.binary(max_size=8))
@settings(max_examples=80, deadline=None)
def test_no_path_reads_or_writes_beyond_the_workspace(
    path: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The law behind all the cases above, on paths made of everything suspicious."""
    base = tmp_path_factory.mktemp("law")
    (base / "secret").write_bytes(SECRET)
    work = base / "work"
    (work / "sub").mkdir(parents=True)
    (work / "up").symlink_to("..")
    (work / "link").symlink_to("../secret")
    (work / "dangling").symlink_to("../made")

    async def act() -> None:
        async with opened(DRIVERS[0](), work) as sandbox:
            try:
                await sandbox.write(path, content)
            except ToolError:
                pass
            else:
                assert await sandbox.read(path, bytes_max=8) == content
            with contextlib.suppress(ToolError):
                assert await sandbox.read(path, bytes_max=100) != SECRET

    anyio.run(act)
    assert {one.name for one in base.iterdir()} == {"secret", "work"}
    assert (base / "secret").read_bytes() == SECRET


async def test_a_folder_swapped_for_a_link_meanwhile_leads_nowhere(sandbox: OpenSandbox, work: Path) -> None:
    """A race that resolve-then-open loses: the folder is exchanged for a link over and over."""
    over = threading.Event()
    (work / "sub" / "secret").write_bytes(b"inside")
    (work / "aside").symlink_to("..")

    def swap() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):  # the writer may have made the folder anew in between
                os.rename(work / "sub", work / "kept")
                os.rename(work / "aside", work / "sub")
                os.rename(work / "sub", work / "aside")
                os.rename(work / "kept", work / "sub")

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen: set[bytes | str] = set()
    try:
        for _ in range(200):
            try:
                seen.add(await sandbox.read("sub/secret", bytes_max=100))
            except ToolError as error:
                seen.add(error.code)
            try:
                await sandbox.write("sub/new", b"x")
            except ToolError as error:
                seen.add(error.code)
    finally:
        over.set()
        swapper.join()
    assert SECRET not in seen
    assert seen <= {b"inside", "outside_workspace", "not_found", "not_a_folder", "failed"}
    assert not (work.parent / "new").exists()
