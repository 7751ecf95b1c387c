"""Every sandbox driver, asked to run commands that try to get away from it."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import CommandEnd, CommandResult, InputFile, Limits
from tests.contracts.sandbox_drivers import (
    DRIVERS,
    PODMANS_NAMES,
    WALL_S,
    Herald,
    by_podman,
    carrying,
    opened,
    run,
    token,
    working,
)

# ruff: noqa: ASYNC220, ASYNC230, ASYNC240  # short file and process calls; the loop may wait for them
pytestmark = pytest.mark.anyio
PYTHON = sys.executable


@pytest.fixture(params=DRIVERS, ids=lambda one: one.name)
def driver(request: pytest.FixtureRequest) -> SandboxDriver:
    return working(request.param)


@pytest.fixture
async def sandbox(driver: SandboxDriver, tmp_path: Path) -> AsyncIterator[OpenSandbox]:
    async with opened(driver, tmp_path / "work") as one:
        yield one


async def test_the_probe_really_runs_something(driver: SandboxDriver) -> None:
    report = await driver.probe()
    assert report.ok, report.reason
    assert (report.driver, report.level) == (driver.name, driver.level)
    assert report.states


async def test_a_command_reads_its_input_and_answers(sandbox: OpenSandbox) -> None:
    told = await run(sandbox, "sh", "-c", "cat; echo oops >&2", stdin=b"in\x00put")
    assert (told.end, told.exit_code, told.stdout, told.stderr) == (CommandEnd.OK, 0, b"in\x00put", b"oops\n")
    assert not told.truncated
    assert 0 <= told.duration_ms < WALL_S * 1000


async def test_input_that_is_never_read_blocks_nobody(sandbox: OpenSandbox) -> None:
    assert (await run(sandbox, "true", stdin=b"x" * 1_000_000)).end is CommandEnd.OK


async def test_without_input_the_command_reads_an_end(sandbox: OpenSandbox) -> None:
    assert (await run(sandbox, "cat")).stdout == b""


@pytest.mark.parametrize(
    ("argv", "exit_code"),
    [
        (("sh", "-c", "exit 3"), 3),
        (("sh", "-c", "kill -9 $$"), -9),
        (("sh", "-c", "kill -15 $$"), -15),
        (("no-such-program",), 127),
        ((), 127),
        (("",), 127),
        (("/etc/passwd",), 126),
        (("sh", "a\0b"), 126),
        (("true", "x" * 200_000), 126),
    ],
)
async def test_a_failure_of_the_command_is_a_result(
    sandbox: OpenSandbox, argv: tuple[str, ...], exit_code: int
) -> None:
    told = await run(sandbox, *argv)
    assert (told.end, told.exit_code) == (CommandEnd.NONZERO, exit_code)
    assert told.stderr or exit_code not in (126, 127)


async def test_the_environment_is_scrubbed(
    driver: SandboxDriver, sandbox: OpenSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_SECRET", "hunter2")
    told = await run(sandbox, "env")
    names = {line.split("=")[0] for line in told.stdout.decode().splitlines()}
    known = {"HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR", "PWD", "SHLVL", "_"}
    assert names <= (known | PODMANS_NAMES if by_podman(driver) else known)


async def test_the_command_starts_in_the_workspace_with_private_places_outside(
    sandbox: OpenSandbox, tmp_path: Path
) -> None:
    told = await run(sandbox, "sh", "-c", 'pwd; cd "$HOME" && pwd; touch "$TMPDIR/x" && echo "$TMPDIR"')
    here, home, temporary = told.stdout.decode().splitlines()
    assert here == str(tmp_path / "work")
    assert not home.startswith(here)
    assert not temporary.startswith(here)
    assert not Path(home).exists()
    assert not Path(temporary).exists()


async def test_input_files_lie_outside_the_workspace_and_are_gone_afterwards(sandbox: OpenSandbox) -> None:
    told = await run(
        sandbox,
        "sh",
        "-c",
        "cat {private}/given.txt; echo {private}",
        files=(InputFile(name="given.txt", content=b"yes\n"),),
    )
    content, private = told.stdout.decode().splitlines()
    assert content == "yes"
    assert not Path(private).exists()
    assert await sandbox.entries(".") == ()


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc/x", "home"])
async def test_an_input_file_has_a_plain_name(sandbox: OpenSandbox, name: str) -> None:
    with pytest.raises(SandboxError):
        await run(sandbox, "true", files=(InputFile(name=name, content=b""),))


async def test_no_descriptor_of_the_engine_is_inherited(sandbox: OpenSandbox) -> None:
    with open("/dev/null", "rb") as held:
        os.set_inheritable(held.fileno(), True)
        told = await run(
            sandbox, PYTHON, "-c", "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"
        )
    assert told.stdout == b"[0, 1, 2, 3]\n"  # the fourth is the listing itself


async def test_signals_have_their_default_meaning(sandbox: OpenSandbox) -> None:
    told = await run(sandbox, "sh", "-c", "grep -E 'SigIgn|SigBlk' /proc/self/status")
    # Two the C library keeps to itself, and sets as it needs them.
    assert [int(line.split()[1], 16) & ~(0b11 << 31) for line in told.stdout.splitlines()] == [0, 0]


async def test_the_wall_clock_limit_ends_the_tree(sandbox: OpenSandbox) -> None:
    word = token()
    told = await run(
        sandbox, "sh", "-c", f"sh -c 'sleep 300; : {word}' & sleep 300; : {word}", limits=Limits(wall_s=0.3)
    )
    assert told.end is CommandEnd.TIMEOUT
    assert 300 <= told.duration_ms < 5_000
    assert not carrying(word)


async def test_what_was_said_before_a_limit_is_kept(sandbox: OpenSandbox) -> None:
    told = await run(sandbox, "sh", "-c", "echo before; sleep 300", limits=Limits(wall_s=0.3))
    assert (told.end, told.stdout) == (CommandEnd.TIMEOUT, b"before\n")


@pytest.mark.parametrize("way", ["while :; do :; done", "sh -c 'while :; do :; done'; exit $?"])
async def test_the_cpu_limit(sandbox: OpenSandbox, way: str) -> None:
    told = await run(sandbox, "sh", "-c", way, limits=Limits(wall_s=WALL_S, cpu_s=1))
    assert (told.end, told.limit) == (CommandEnd.LIMIT, "cpu")


async def test_the_file_size_limit(sandbox: OpenSandbox, tmp_path: Path) -> None:
    told = await run(
        sandbox,
        "dd",
        "if=/dev/zero",
        "of=big",
        "bs=4096",
        "count=100",
        limits=Limits(wall_s=WALL_S, file_bytes=65_536),
    )
    assert (told.end, told.limit) == (CommandEnd.LIMIT, "file")
    assert (tmp_path / "work" / "big").stat().st_size <= 65_536


async def test_the_address_space_limit(driver: SandboxDriver, sandbox: OpenSandbox) -> None:
    told = await run(
        sandbox,
        PYTHON,
        "-c",
        "bytearray(800_000_000)",
        limits=Limits(wall_s=WALL_S, memory_bytes=400_000_000),
    )
    if by_podman(driver):  # which does not say why
        assert (told.end, told.exit_code) == (CommandEnd.NONZERO, -9)
        return
    assert told.end is CommandEnd.MEMORY
    by_address_space = "address-space limit per process" in (await driver.probe()).states
    assert (b"MemoryError" in told.stderr) is by_address_space


async def test_memory_of_many_processes_together_is_looked_at(
    driver: SandboxDriver, sandbox: OpenSandbox
) -> None:
    """Each alone is within its bound."""
    program = "import os, time\nfor _ in range(6):\n    if os.fork() == 0: break\n"
    program += "held = bytearray(os.urandom(1 << 20)) * 100\ntime.sleep(300)"
    told = await run(sandbox, PYTHON, "-c", program, limits=Limits(wall_s=WALL_S, memory_bytes=400_000_000))
    wanted = (CommandEnd.NONZERO, CommandEnd.TIMEOUT) if by_podman(driver) else (CommandEnd.MEMORY,)
    assert told.end in wanted


async def test_the_limit_of_open_files_and_no_core_dump(sandbox: OpenSandbox) -> None:
    told = await run(sandbox, "sh", "-c", "ulimit -n; ulimit -c", limits=Limits(wall_s=WALL_S, open_files=64))
    assert told.stdout == b"64\n0\n"


async def test_the_limit_of_processes(sandbox: OpenSandbox) -> None:
    word = token()
    program = "import os, time\nfor _ in range(60):\n    if os.fork() == 0: break\ntime.sleep(300)"
    told = await run(sandbox, PYTHON, "-c", program, word, limits=Limits(wall_s=WALL_S, processes=20))
    refused = b"Resource temporarily unavailable" in told.stderr  # the kernel was faster than the look
    assert (told.end, told.limit) == (CommandEnd.LIMIT, "processes") or refused
    assert not carrying(word)


async def test_a_flood_of_output_is_drained_and_bounded(sandbox: OpenSandbox) -> None:
    flood = "yes flood | head -c 100000000; echo last; yes error | head -c 3000000 >&2"
    told = await run(sandbox, "sh", "-c", flood, limits=Limits(wall_s=WALL_S, output_bytes=10_000))
    assert told.end is CommandEnd.OK
    assert told.truncated
    assert len(told.stdout) <= 10_000
    assert len(told.stderr) <= 10_000
    assert told.stdout.startswith(b"flood\n")
    assert told.stdout.endswith(b"last\n")
    assert b"left out" in told.stdout


async def test_output_of_exactly_the_limit_is_whole(sandbox: OpenSandbox) -> None:
    told = await run(
        sandbox, "sh", "-c", "head -c 1000 /dev/zero", limits=Limits(wall_s=WALL_S, output_bytes=1000)
    )
    assert (told.stdout, told.truncated) == (b"\0" * 1000, False)


async def test_a_grandchild_that_holds_the_output_blocks_nobody(sandbox: OpenSandbox) -> None:
    word = token()
    told = await run(sandbox, "sh", "-c", f"sh -c 'sleep 300; : {word}' & echo done")
    assert (told.end, told.stdout) == (CommandEnd.OK, b"done\n")
    assert told.duration_ms < 5_000
    assert not carrying(word)


FLIGHT = """
import os, sys, time
for _ in range({count}):
    if os.fork() == 0:
        {escape}
        time.sleep(300)
sys.stdout.write(open('/proc/self/stat').read().split()[0])
"""


@pytest.mark.parametrize(
    "escape",
    [
        "pass",
        "os.setsid()",
        "os.setsid(); os.fork() and os._exit(0)",
        "os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)",
        "import signal; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 3, 13, 15, 18, 20)]",
        "os.setsid(); os.environ.clear(); os.execve('/bin/sleep', ['sleep', '300', '{word}'], {{}})",
    ],
    ids=["fork", "setsid", "daemon", "daemon-late", "deaf", "no-environment"],
)
async def test_no_descendant_gets_away(sandbox: OpenSandbox, escape: str) -> None:
    word = token()
    program = FLIGHT.format(count=20, escape=escape.format(word=word) if "execve" in escape else escape)
    told = await run(sandbox, PYTHON, "-c", program, word)
    assert told.end is CommandEnd.OK, told.stderr
    assert not carrying(word)


CHASE = """
import os, sys, time
deadline = time.monotonic() + 5
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        while time.monotonic() < deadline:
            if os.fork():
                os._exit(0)
        os._exit(0)
time.sleep(300)
"""


async def test_processes_that_run_away_by_forking_are_caught(sandbox: OpenSandbox) -> None:
    """Each forks and exits at once, so that its number is stale before anybody can use it."""
    word = token()
    told = await run(sandbox, PYTHON, "-c", CHASE, word, limits=Limits(wall_s=0.5))
    assert told.end is CommandEnd.TIMEOUT
    assert not carrying(word)


async def test_a_command_that_kills_its_parent_takes_everything_with_it(sandbox: OpenSandbox) -> None:
    word = token()
    told = await run(
        sandbox,
        "sh",
        "-c",
        f"setsid sh -c 'sleep 300; : {word}' & sleep 0.1; kill -9 $PPID; sleep 300; : {word}",
        limits=Limits(wall_s=1.0),  # where it cannot kill its parent, its time runs out
    )
    assert told.end is not CommandEnd.OK
    assert not carrying(word)


async def test_cancelling_kills_and_waits(sandbox: OpenSandbox, tmp_path: Path) -> None:
    word, herald = token(), Herald(tmp_path / "work")
    async with anyio.create_task_group() as group:
        group.start_soon(
            run,
            sandbox,
            "sh",
            "-c",
            f"setsid sh -c 'echo up > {herald.path}; sleep 300; : {word}' & sleep 300",
        )
        assert await herald.word() == "up"
        assert carrying(word)
        group.cancel_scope.cancel()
    assert not carrying(word)


async def test_closing_ends_what_runs_as_canceled(driver: SandboxDriver, tmp_path: Path) -> None:
    word, herald = token(), Herald(tmp_path / "work")
    told: list[CommandResult] = []

    async def act(sandbox: OpenSandbox) -> None:
        told.append(
            await run(sandbox, "sh", "-c", f"echo first; echo up > {herald.path}; sleep 300; : {word}")
        )

    async with opened(driver, tmp_path / "work") as sandbox, anyio.create_task_group() as group:
        group.start_soon(act, sandbox)
        await herald.word()
        await sandbox.close()
        assert not carrying(word)
        await sandbox.close()
    assert [(one.end, one.stdout) for one in told] == [(CommandEnd.CANCELED, b"first\n")]
    with pytest.raises(SandboxError):
        await run(sandbox, "true")
    with pytest.raises(SandboxError):
        await sandbox.read("x", bytes_max=1)


async def test_twenty_commands_at_a_time(sandbox: OpenSandbox) -> None:
    told: dict[int, CommandResult] = {}

    async def act(number: int) -> None:
        told[number] = await run(sandbox, "sh", "-c", f"cat; echo {number}", stdin=b"%d " % number)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(act, number)
    assert {number: one.stdout.decode() for number, one in told.items()} == {
        n: f"{n} {n}\n" for n in range(20)
    }


async def test_an_opened_sandbox_makes_its_workspace(driver: SandboxDriver, tmp_path: Path) -> None:
    async with opened(driver, tmp_path / "a" / "b") as sandbox:
        assert await sandbox.entries(".") == ()
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError):
        async with opened(driver, tmp_path / "file"):
            pass


ENGINE = """
import sys, anyio
from pathlib import Path
from tests.contracts.sandbox_drivers import DRIVERS, made, opened, run
async def main():
    async with opened(made(DRIVERS[int(sys.argv[1])]), Path(sys.argv[2])) as sandbox:
        await run(sandbox, "sh", "-c", sys.argv[3])
anyio.run(main, backend=sys.argv[4])
"""


async def test_nothing_survives_an_engine_that_is_killed(
    driver: SandboxDriver, tmp_path: Path, anyio_backend: str
) -> None:
    word, herald = token(), Herald(tmp_path / "work")
    command = f"setsid sh -c 'echo {{private}} > {herald.path}; sleep 300; : {word}' & sleep 300; : {word}"
    which = str([type(driver) is one for one in DRIVERS].index(True))
    argv = [PYTHON, "-c", ENGINE, which, str(tmp_path / "work"), command, anyio_backend]
    with subprocess.Popen(argv) as engine:
        private = await herald.word()
        handles = [os.pidfd_open(pid) for pid in (*carrying(word), _launcher_of(engine.pid))]
        engine.kill()
    try:
        for handle in handles:
            await anyio.wait_readable(handle)
    finally:
        for handle in handles:
            os.close(handle)
    assert not carrying(word)
    assert not Path(private).exists()


def _launcher_of(engine: int) -> int:
    children = Path(f"/proc/{engine}/task/{engine}/children").read_text().split()
    return int(children[0])


@pytest.mark.parametrize("path", ["a,b", "a:b"])
async def test_podman_is_not_asked_to_show_what_it_cannot(
    driver: SandboxDriver, tmp_path: Path, path: str
) -> None:
    if not by_podman(driver):
        pytest.skip("it is not podman's")
    with pytest.raises(SandboxUnavailable, match="a comma or a colon"):
        async with opened(driver, tmp_path / path):
            raise AssertionError
