"""``simulate``: as a decorator it runs a test under many schedules, as a context one world."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, Literal, TypeVar

import attrs

from actors.testing._faults import Faults
from actors.testing._outside import Outside
from actors.testing._run import Ran, Stage
from actors.testing._schedule import Backend, Schedule, Strategy
from actors.testing._shrinking import Shrinker, signature
from actors.testing._simulation import Simulation, with_system
from actors.testing._story import tell
from actors.testing._world import World
from actors.testing.errors import NotDeterministic

F = TypeVar("F", bound=Callable[..., Any])

#: The seed every exploration starts from; the pytest plugin sets it.
BASE_SEED: ContextVar[int] = ContextVar("actors.testing.seed", default=0)
STRIDE = 1_000_003


@attrs.frozen
class Finding:
    """A failure that an exploration found.

    Attributes:
        first: The failing run as it was found.
        shortest: The failing run under the shortest schedule.
        tried: Schedules run until then, this one included.
        shrinking_runs: Runs spent on shortening.
    """

    first: Ran
    shortest: Ran
    tried: int
    shrinking_runs: int

    def report(self) -> str:
        """The finding in words: how to replay it, what deviates from the plain order, the chart."""
        world, schedule = self.shortest.world, self.shortest.schedule
        found = self.first.world.schedule
        lines = [
            f"found by schedule {self.tried} ({found.effective}, {found.token}) on {world.backend}",
            f'replay it: @simulate(replay={schedule}, backends=["{world.backend}"])',
        ]
        lines += [f"  {at}. {_deviation(*pair)}" for at, pair in enumerate(schedule.deviations or (), 1)]
        story = tell(self.shortest.moments, _one_line(self.shortest.error))
        return "\n".join([*lines, story.text()])


def _one_line(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}" if error is not None else ""


def _deviation(key: str, value: str) -> str:
    """A recorded choice, in words."""
    name, _, step = key.rpartition("@")
    if key.startswith("!"):
        kind, _, who = name[1:].partition(":")
        return f"inject {kind} into {who}, opportunity {step}"
    if value == "~clock":
        return f"let the next timer ring before step {step.partition('.')[0]} of {name}"
    if value.endswith("*"):
        return f"run {value[:-1]} until it waits, before step {step.partition('.')[0]} of {name}"
    return f"run {value} before step {step.partition('.')[0]} of {name}"


class Simulate:
    """One use of ``simulate``; see there."""

    def __init__(self, world: World | None, **options: Any) -> None:
        self._world = world or World()
        self._options = Exploration(world=self._world, **options)
        self._outside: Outside | None = None

    def __enter__(self) -> Outside:
        self._outside = Outside(self._world)
        return self._outside

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        outside, self._outside = self._outside, None
        assert outside is not None
        ran = outside.close()
        error = exc or ran.error
        if isinstance(error, Exception):
            world = attrs.evolve(self._world, schedule=ran.schedule)
            note = f"simulated in {world}\nwhere schedule={ran.schedule}"
            error.add_note(f"{note}\n{tell(ran.moments, _one_line(error)).text()}")
        if exc is None and ran.error is not None:
            raise ran.error

    def __call__(self, function: F) -> F:
        """Decorate an async test; parameters other than ``sim`` stay pytest's."""
        signature = inspect.signature(function)
        wants_sim = "sim" in signature.parameters

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            def program(sim: Simulation) -> Awaitable[Any]:
                given = {"sim": sim} if wants_sim else {}
                started: Awaitable[Any] = function(*args, **given, **kwargs)
                return started

            finding = self._options.explore(program, own_system=wants_sim)
            if finding is not None:
                self._options.raise_it(finding)

        parameters = [one for name, one in signature.parameters.items() if name != "sim"]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # for pytest
        del run.__wrapped__  # pytest would look through it
        return run  # type: ignore[return-value]  # the same to a caller


def simulate(
    world: World | None = None,
    *,
    schedules: int = 200,
    backends: Sequence[Backend] = ("asyncio", "trio"),
    faults: Faults | None = None,
    strategy: Strategy = "portfolio",
    seed: int | None = None,
    replay: Schedule | str | None = None,
    regressions: Iterable[Schedule | str] = (),
    blocking: Literal["refuse", "inline"] = "refuse",
    overtake: bool = True,
    shrink: bool = True,
) -> Simulate:
    """Run a program with virtual time and with every choice of the scheduler drawn from a seed.

    ``with simulate(world) as sim`` runs one world, steered by the block. ``@simulate(...)`` makes an
    async test run under many schedules on each backend; a failure is run again (it must take the
    same course), shortened, and raised with a note: the line that replays it, its deviations from
    the plain order, and a chart of the messages. The test's parameter ``sim``, if it has one, is a
    ``Simulation``; systems that the test opens itself are simulated as well.

    Args:
        world: The world of the block; the other arguments are the decorator's.
        schedules: Schedules per backend; the first is the plain order.
        backends: ``asyncio`` and ``trio``.
        faults: What may go wrong.
        strategy: How schedules are drawn.
        seed: Where to start; the same seed gives the same schedules.
        replay: Run only this schedule.
        regressions: Schedules to run first.
        blocking: See ``World``.
        overtake: See ``World``.
        shrink: Shorten a failing schedule.

    Raises:
        Deadlock: Nothing can run any more (raised by the decorated test or by ``sim``'s methods).
        NotDeterministic: A failing schedule took another course when it was run again.
    """
    if world is None:
        world = World(faults=faults or Faults(), blocking=blocking, overtake=overtake)
    return Simulate(
        world,
        schedules=schedules,
        backends=tuple(backends),
        strategy=strategy,
        seed=seed,
        replay=_schedule(replay) if replay is not None else None,
        regressions=tuple(map(_schedule, regressions)),
        shrink=shrink,
    )


def _schedule(value: Schedule | str) -> Schedule:
    return Schedule.parse(value) if isinstance(value, str) else value


Program = Callable[[Simulation], Awaitable[Any]]


@attrs.frozen
class Exploration:
    """Many schedules of one program."""

    world: World
    schedules: int = 200
    backends: tuple[Backend, ...] = ("asyncio", "trio")
    strategy: Strategy = "portfolio"
    seed: int | None = None
    replay: Schedule | None = None
    regressions: tuple[Schedule, ...] = ()
    shrink: bool = True

    def drawn(self) -> Iterable[Schedule]:
        """The schedules, in the order in which they are tried."""
        if self.replay is not None:
            yield self.replay
            return
        yield from self.regressions
        base = (self.seed if self.seed is not None else BASE_SEED.get()) * STRIDE
        yield Schedule()
        for number in range(1, self.schedules):
            yield Schedule(base + number, strategy=self.strategy)

    def explore(self, program: Program, *, own_system: bool) -> Finding | None:
        """Run the program until a schedule fails; None when none does."""
        for backend in self.backends:
            for tried, schedule in enumerate(self.drawn(), 1):
                world = attrs.evolve(self.world, schedule=schedule, backend=backend)
                ran = run_program(program, world, own_system=own_system)
                if ran.error is not None:
                    return self.examine(program, ran, tried, own_system=own_system)
        return None

    def examine(self, program: Program, ran: Ran, tried: int, *, own_system: bool) -> Finding:
        """Run a failure again, shorten it, and make its story."""

        def again(schedule: Schedule, *, detailed: bool = False) -> Ran:
            world = attrs.evolve(ran.world, schedule=schedule)
            return run_program(program, world, own_system=own_system, detailed=detailed)

        second = again(ran.world.schedule)
        if (second.trace, signature(second.error)) != (ran.trace, signature(ran.error)):
            assert ran.error is not None
            raise NotDeterministic(
                f"{ran.world.schedule} failed with {_one_line(ran.error)}, then took another course:"
                f" {_one_line(second.error) or 'no failure'}"
            ) from ran.error
        best, runs = ran, 0
        if self.shrink:
            shrinker = Shrinker(again, ran)
            best, runs = shrinker.shrink(), shrinker.runs
        told = again(best.schedule, detailed=True)
        shortest = told if signature(told.error) == signature(best.error) else best
        return Finding(ran, shortest, tried, runs)

    def raise_it(self, finding: Finding) -> None:
        """Raise what the shortest run raised, with the report as a note."""
        error = finding.shortest.error
        assert error is not None
        error.add_note(finding.report())
        raise error


def run_program(program: Program, world: World, *, own_system: bool, detailed: bool = False) -> Ran:
    """Run a program once in a world, with a system of the simulation or without."""
    stage = Stage(world, detailed=detailed)
    sim = Simulation(stage)
    if own_system:
        return stage.run(lambda: with_system(stage, sim, lambda: program(sim)))
    return stage.run(lambda: program(sim))


def explore(
    program: Program,
    *,
    schedules: int = 1000,
    backend: Backend = "asyncio",
    faults: Faults | None = None,
    strategy: Strategy = "portfolio",
    seed: int = 0,
) -> Finding | None:
    """Look for a failing schedule of an async function that takes a ``Simulation``.

    Args:
        program: The program; it raises when something is wrong.
        schedules: Schedules to try.
        backend: ``asyncio`` or ``trio``.
        faults: What may go wrong.
        strategy: How schedules are drawn.
        seed: Where to start.

    Returns:
        The finding, shortened; None when every schedule passes.

    Raises:
        NotDeterministic: A failing schedule took another course when it was run again.
    """
    world = World(faults=faults or Faults())
    exploration = Exploration(world, schedules, (backend,), strategy, seed)
    return exploration.explore(program, own_system=True)
