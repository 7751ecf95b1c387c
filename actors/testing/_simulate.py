"""``simulate``: as a decorator it runs a test under many schedules, as a context one world."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, Literal, TypeVar

import attrs

from actors.testing._faults import Faults
from actors.testing._memory import Remembered, name_of
from actors.testing._outside import Outside
from actors.testing._report import deviations, one_line
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
WEAK = "weaker shuffle: trio's queue is out of reach, so its own order plays a part and this may not replay"
SHORTEN = "to shorten it: put the block into an async test with @simulate(replay=…) and this schedule"


@attrs.frozen
class Finding:
    """A failure that an exploration found.

    Attributes:
        first: The failing run as it was found.
        shortest: The failing run under the shortest schedule.
        tried: Schedules run until then, this one included.
        shrinking_runs: Runs spent on shortening.
        remembered: It was kept from an earlier run.
    """

    first: Ran
    shortest: Ran
    tried: int
    shrinking_runs: int
    remembered: bool = False

    def report(self) -> str:
        """The finding in words: how to replay it, what deviates from the plain order, the chart."""
        world, schedule = self.shortest.world, self.shortest.schedule
        found = self.first.world.schedule
        how = "remembered from an earlier run: " if self.remembered else ""
        lines = [
            f"{how}found by schedule {self.tried} ({found.effective}, {found.token}) on {world.backend}",
            f'replay it: @simulate(replay={schedule}, backends=["{world.backend}"])',
            *([WEAK] if self.shortest.weak else []),
            *deviations(schedule),
        ]
        story = tell(self.shortest.moments, one_line(self.shortest.error))
        return "\n".join([*lines, story.text()])


class Simulate:
    """One use of ``simulate``; see there."""

    def __init__(self, world: World | None, *, remember: bool = True, **options: Any) -> None:
        self._world = world or World()
        self._remember = remember
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
            note = [
                f"simulated in {world}",
                f"where schedule={ran.schedule}",
                *deviations(ran.schedule),
                SHORTEN,
            ]
            error.add_note("\n".join([*note, tell(ran.moments, one_line(error)).text()]))
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

            name = name_of(function, kwargs) if self._remember else None
            options = attrs.evolve(self._options, remembered_as=name)
            finding = options.explore(program, own_system=wants_sim)
            if finding is not None:
                options.raise_it(finding)

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
    remember: bool = True,
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
        remember: Keep failing schedules in Hypothesis' example database, where it is installed, and
            try those of the last time first.

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
        remember=remember,
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
    remembered_as: str | None = None

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
        memory = Remembered(self.remembered_as if self.replay is None else None)
        for backend in self.backends:
            finding = self._recall(program, memory, backend, own_system=own_system)
            finding = finding or self._search(program, backend, own_system=own_system)
            if finding is not None:
                memory.keep(backend, finding.shortest.schedule, finding.first.world.schedule)
                return finding
        return None

    def _recall(
        self, program: Program, memory: Remembered, backend: Backend, *, own_system: bool
    ) -> Finding | None:
        """Try what failed the last time; what passes now is forgotten."""
        for tried, schedule in enumerate(memory.recall(backend), 1):
            fails = None
            if self.world.allows(schedule):
                ran = self._run(program, schedule, backend, own_system=own_system)
                fails = ran if ran.error is not None else None
            if fails is not None:
                finding = self.examine(program, fails, tried, own_system=own_system)
                return attrs.evolve(finding, remembered=True)
            memory.forget(backend, schedule)
        return None

    def _search(self, program: Program, backend: Backend, *, own_system: bool) -> Finding | None:
        for tried, schedule in enumerate(self.drawn(), 1):
            ran = self._run(program, schedule, backend, own_system=own_system)
            if ran.error is not None:
                return self.examine(program, ran, tried, own_system=own_system)
        return None

    def _run(self, program: Program, schedule: Schedule, backend: Backend, *, own_system: bool) -> Ran:
        world = attrs.evolve(self.world, schedule=schedule, backend=backend)
        return run_program(program, world, own_system=own_system)

    def examine(self, program: Program, ran: Ran, tried: int, *, own_system: bool) -> Finding:
        """Run a failure again, shorten it, and make its story."""

        def again(schedule: Schedule, *, detailed: bool = False) -> Ran:
            world = attrs.evolve(ran.world, schedule=schedule)
            return run_program(program, world, own_system=own_system, detailed=detailed)

        second = again(ran.world.schedule)
        if (second.trace, signature(second.error)) != (ran.trace, signature(ran.error)):
            if ran.weak:
                return Finding(ran, ran, tried, 0)
            assert ran.error is not None
            raise NotDeterministic(
                f"{ran.world.schedule} failed with {one_line(ran.error)}, then took another course:"
                f" {one_line(second.error) or 'no failure'}"
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
    remember: bool = True,
) -> Finding | None:
    """Look for a failing schedule of an async function that takes a ``Simulation``.

    Args:
        program: The program; it raises when something is wrong.
        schedules: Schedules to try.
        backend: ``asyncio`` or ``trio``.
        faults: What may go wrong.
        strategy: How schedules are drawn.
        seed: Where to start.
        remember: See ``simulate``.

    Returns:
        The finding, shortened; None when every schedule passes.

    Raises:
        NotDeterministic: A failing schedule took another course when it was run again.
    """
    world = World(faults=faults or Faults())
    name = name_of(program) if remember else None
    exploration = Exploration(world, schedules, (backend,), strategy, seed, remembered_as=name)
    return exploration.explore(program, own_system=True)
