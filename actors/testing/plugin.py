"""The pytest plugin: fixtures for both event loops that fail a test for what it left behind.

Installed with the package as ``actors``. ``--actors-seed`` moves where explorations start;
``@pytest.mark.actors_allow("dead_letters", "crashes", "leaks")`` allows what is meant to happen.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from actors._messages import DeadLetter, Request
from actors._system import ActorSystem
from actors.testing._outside import Outside
from actors.testing._probe import Probe
from actors.testing._schedule import Schedule
from actors.testing._simulate import BASE_SEED, simulate
from actors.testing._world import World

ALLOWED = ("dead_letters", "crashes", "leaks")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--actors-seed``."""
    group = parser.getgroup("actors")
    group.addoption(
        "--actors-seed",
        type=int,
        default=0,
        metavar="N",
        help="where simulations begin to draw schedules (default 0)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set the seed; declare the marker."""
    _ = BASE_SEED.set(config.getoption("--actors-seed"))
    config.addinivalue_line("markers", f"actors_allow(*what): let a test leave behind {', '.join(ALLOWED)}")


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed."""
    return f"actors seed: {config.getoption('--actors-seed')}"


def _allowed(request: pytest.FixtureRequest) -> set[str]:
    allowed = {what for marker in request.node.iter_markers("actors_allow") for what in marker.args}
    unknown = allowed - set(ALLOWED)
    if unknown:
        raise pytest.UsageError(f"actors_allow takes {', '.join(ALLOWED)}, not {', '.join(sorted(unknown))}")
    return allowed


class Leftovers:
    """What a test has left behind in a system."""

    def __init__(self, allowed: set[str]) -> None:
        self._allowed = allowed
        self._letters: list[DeadLetter] = []

    def watch(self, system: ActorSystem) -> None:
        """Collect the dead letters of a system."""
        _ = system.subscribe(DeadLetter, self._letters.append)

    def check(self, leaked: list[str]) -> None:
        """Fail the test for what is left and was not allowed."""
        faults: list[str] = []
        for letter in self._letters:
            text = f"{letter.message!r} to {letter.path} ({letter.reason}) {letter.error}".rstrip()
            crash = letter.reason == "poison"
            if "MutatedMessage" in letter.error:
                faults.append(f"mutated message: {text}")
            elif crash and not isinstance(letter.message, Request) and "crashes" not in self._allowed:
                # The asker of a request has got the crash; nobody looks at that of a tell.
                faults.append(f"a crash nobody looked at: {text}")
            elif not crash and "dead_letters" not in self._allowed:
                faults.append(f"unexpected dead letter: {text}")
        if "leaks" not in self._allowed:
            # anyio resumes fixtures in tasks of its own, which are none of the test's.
            faults += [f"leaked task: {name}" for name in leaked if "TestRunner" not in name]
        if faults:
            pytest.fail("\n".join(faults), pytrace=False)


def _say(task: anyio.TaskInfo) -> str:
    return f"{task.name} {getattr(task.coro, '__qualname__', '')}".strip()


@pytest.fixture
async def actor_system(anyio_backend: Any, request: pytest.FixtureRequest) -> AsyncIterator[ActorSystem]:
    """A running ``ActorSystem`` that verifies isolation; dead letters, crashes and leaks fail the test."""
    leftovers = Leftovers(_allowed(request))
    before = {task.id for task in anyio.get_running_tasks()}
    async with ActorSystem(request.node.name, isolation="verify") as system:
        leftovers.watch(system)
        yield system
        stopping = len(leftovers._letters)  # noqa: SLF001 - same module
    # What still waited when the system was stopped is no fault of the test.
    del leftovers._letters[stopping:]  # noqa: SLF001 - same module
    leftovers.check([_say(task) for task in anyio.get_running_tasks() if task.id not in before])


@pytest.fixture
async def probe(actor_system: ActorSystem) -> Probe:
    """A ``Probe`` in the system of the test."""
    return Probe(actor_system)


@pytest.fixture
def simulation(anyio_backend_name: str, request: pytest.FixtureRequest) -> Iterator[Outside]:
    """A simulation on the test's event loop, for a synchronous test; the same checks at its end."""
    leftovers = Leftovers(_allowed(request))
    seed = request.config.getoption("--actors-seed")
    backend: Any = anyio_backend_name
    with simulate(World(Schedule(seed), backend=backend, isolation="verify")) as sim:
        leftovers.watch(sim.inside.system)
        yield sim
        stopping = len(leftovers._letters)  # noqa: SLF001 - same module
    del leftovers._letters[stopping:]  # noqa: SLF001 - same module
    leftovers.check([])
