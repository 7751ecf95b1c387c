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
