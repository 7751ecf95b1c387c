"""The pytest plugin fails tests for what they leave behind, on both event loops."""

import subprocess
import sys
from pathlib import Path

HEAD = """
import anyio, attrs, pytest
from actors import Actor, Message, Request, on, shared

@attrs.frozen
class Do(Message):
    kind: str
    box: list[int] = shared(factory=list)

@attrs.frozen
class Sync(Request[int]):
    pass

class Worker(Actor[Do | Sync], intensity=(99, 1.0)):
    @on(Do)
    async def do(self, m: Do) -> None:
        if m.kind == "crash":
            raise ValueError("on purpose")
        if m.kind == "mutate":
            m.box.append(1)

    @on(Sync)
    async def sync(self, m: Sync) -> int:
        return 1

@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param
"""


def run(tmp_path: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_it.py").write_text(HEAD + body, encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *options,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_clean_tests_pass(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
@pytest.mark.anyio
async def test_system(actor_system, probe):
    worker = actor_system.spawn(Worker)
    worker.tell(Do("nothing"))
    assert await worker.ask(Sync()) == 1
    probe.ref.tell(Do("hello"))
    assert (await probe.expect(Do)).kind == "hello"

def test_simulation(simulation):
    worker = simulation.spawn(Worker)
    simulation.advance(86_400)
    assert simulation.ask(worker, Sync()) == 1

@pytest.mark.anyio
@pytest.mark.actors_allow("crashes", "dead_letters")
async def test_allowed(actor_system):
    worker = actor_system.spawn(Worker)
    worker.tell(Do("crash"))
    await worker.ask(Sync())
    await actor_system.stop_actor(worker)
    worker.tell(Do("late"))
""",
        "--actors-seed",
        "7",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


LEFT_BEHIND = {
    "a crash nobody looked at": "worker.tell(Do('crash')); await worker.ask(Sync())",
    "mutated message": "worker.tell(Do('mutate')); await worker.ask(Sync())",
    "unexpected dead letter": "await actor_system.stop_actor(worker); worker.tell(Do('x'))",
}


def test_what_is_left_behind_fails_the_test(tmp_path: Path) -> None:
    tests = [
        f"""
@pytest.mark.anyio
async def test_{number}(actor_system):
    worker = actor_system.spawn(Worker)
    {body}
"""
        for number, body in enumerate(LEFT_BEHIND.values())
    ]
    done = run(tmp_path, "".join(tests))
    assert done.returncode == 1
    assert all(done.stdout.count(says) >= 2 for says in LEFT_BEHIND), done.stdout
    assert "6 errors" in done.stdout


LEAK = """
async def forever():
    await anyio.sleep_forever()

async def leak(actor_system, anyio_backend):
    if anyio_backend == "asyncio":
        import asyncio
        actor_system.kept = asyncio.get_running_loop().create_task(forever())
    else:
        import trio
        trio.lowlevel.spawn_system_task(forever)
    await anyio.lowlevel.checkpoint()

@pytest.mark.anyio
async def test_leak(actor_system, anyio_backend):
    await leak(actor_system, anyio_backend)

@pytest.mark.anyio
@pytest.mark.actors_allow("leaks")
async def test_allowed(actor_system, anyio_backend):
    await leak(actor_system, anyio_backend)
"""
SEEDED = """
from actors.testing import simulate
seeds = []

@simulate(schedules=3, backends=["asyncio"])
async def test_it(sim):
    seeds.append(sim._stage.world.schedule.seed)

def test_seeds():
    assert seeds == [0, 7000022, 7000023]
"""


def test_a_task_that_outlives_its_test_fails_it(tmp_path: Path) -> None:
    done = run(tmp_path, LEAK)
    assert done.returncode == 1
    assert done.stdout.count("leaked task: ") >= 2, done.stdout
    assert "4 passed, 2 errors" in done.stdout


def test_the_seed_moves_where_explorations_begin_and_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, SEEDED, "--actors-seed", "7", "-v")
    assert done.returncode == 0, done.stdout
    assert "actors seed: 7" in done.stdout
