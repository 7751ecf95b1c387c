"""Hypothesis draws the world: strategies, state machines of actors, and a free contract test.

The only module here that imports Hypothesis. Each schedule is one drawn integer, so it shrinks
together with the workload: towards 0, the plain order.
"""

import dataclasses
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import attrs
from hypothesis import HealthCheck, Phase, given, settings, stateful
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase

from actors._actor import Actor, find_protocol
from actors._messages import Request
from actors._protocol import members
from actors.testing._faults import Faults
from actors.testing._linear import Model
from actors.testing._outcome import Outcome
from actors.testing._outside import Outside
from actors.testing._schedule import Backend, Schedule, Strategy
from actors.testing._simulate import simulate
from actors.testing._world import World

M = TypeVar("M")

SEED_MAX = 2**32 - 1
#: A drawn bound above the first means none, so that of the draws up to the second most are unbounded.
MOST_MAX, UNBOUNDED = 64, 1023
MARKERS = (stateful.RULE_MARKER, stateful.INITIALIZE_RULE_MARKER, stateful.INVARIANT_MARKER)


def schedules(strategy: Strategy = "portfolio") -> st.SearchStrategy[Schedule]:
    """Schedules, shrinking towards the plain order, and to as few deviations from it as will do.

    Two integers each: the seed, and after how many deviations the plain order is kept. Most schedules
    begin unbounded.
    """
    return st.builds(
        lambda seed, most: Schedule(seed, strategy=strategy, most=most if most <= MOST_MAX else None),
        st.integers(0, SEED_MAX),
        st.integers(0, UNBOUNDED),
    )


def faults(
    *, rate: float = 0.15, most: int = 3, **wanted: bool | str | Sequence[str]
) -> st.SearchStrategy[Faults]:
    """Faults of the kinds that are named, shrinking towards none of them.

    Args:
        rate: Share of the opportunities that are taken.
        most: Faults per run, at most.
        wanted: Kinds as in ``Faults``: ``crash=True``, ``delay=["worker"]``.
    """
    parts = {kind: st.sampled_from((False, value)) for kind, value in wanted.items() if value}
    return st.fixed_dictionaries(parts).map(lambda given: Faults(**given, rate=rate, most=most))


def worlds(
    *,
    backends: Sequence[Backend] = ("asyncio", "trio"),
    strategy: Strategy = "portfolio",
    blocking: Literal["refuse", "inline"] = "refuse",
    isolation: Literal["trust", "verify"] = "trust",
    **wanted: bool | str | Sequence[str],
) -> st.SearchStrategy[World]:
    """Worlds: a schedule, faults of the named kinds, and an event loop.

    Args:
        backends: Event loops; the simplest is the first.
        strategy: How schedules are drawn.
        blocking: See ``World``.
        isolation: See ``World``.
        wanted: Kinds of faults: ``crash=True``, ``delay=["worker"]``.
    """
    return st.builds(
        World,
        schedule=schedules(strategy),
        faults=faults(**wanted),  # type: ignore[arg-type]  # rate and most are no kinds
        backend=st.sampled_from(list(backends)),
        blocking=st.just(blocking),
        isolation=st.just(isolation),
    )


def messages(
    actor: type[Actor[Any]],
    given: Mapping[type[Any], st.SearchStrategy[Any]] | None = None,
    *,
    min_size: int = 0,
    max_size: int = 8,
) -> st.SearchStrategy[list[Any]]:
    """Scripts for an actor: lists of messages of its protocol, fields drawn by their types.

    Args:
        actor: The actor's class.
        given: Strategies for some of its messages; ``st.nothing()`` leaves one out.
        min_size: Messages, at least.
        max_size: Messages, at most.
    """
    own = dict(given or {})
    kinds = [own[kind] if kind in own else st.builds(kind) for kind in protocol(actor)]
    return st.lists(st.one_of(kinds), min_size=min_size, max_size=max_size)


def protocol(actor: type[Actor[Any]]) -> tuple[type[Any], ...]:
    """The message classes of an actor, in the order of its protocol."""
    return members(find_protocol(actor))


@attrs.frozen
class Examples:
    """Hypothesis' example database as the memory of failing schedules; each program has a key of its own."""

    database: ExampleDatabase

    def recall(self, name: str) -> list[str]:
        """What is kept under a name."""
        return [value.decode(errors="replace") for value in self.database.fetch(_key(name))]

    def keep(self, name: str, text: str) -> None:
        """Keep one more."""
        self.database.save(_key(name), text.encode())

    def forget(self, name: str, text: str) -> None:
        """Keep it no longer."""
        self.database.delete(_key(name), text.encode())


def examples() -> Examples | None:
    """The database of the current Hypothesis profile; None if that has none (as on CI)."""
    database = settings().database
    return None if database is None else Examples(database)


def _key(name: str) -> bytes:
    return b"actors.testing " + name.encode()


class ActorStateMachine(stateful.RuleBasedStateMachine):
    """A ``RuleBasedStateMachine`` whose rules run inside a simulation; they may be ``async def``.

    Override ``begin`` to spawn actors; in rules use ``self.sim``, or await refs in async rules.
    The world is drawn once, as one value, by ``world``.

    Attributes:
        world: The strategy of worlds.
        sim: The simulation, from ``begin`` on.
    """

    world: ClassVar[st.SearchStrategy[World]] = worlds()
    sim: Outside

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for value in vars(cls).values():
            for marker in MARKERS:
                rule = getattr(value, marker, None)
                if rule is not None and inspect.iscoroutinefunction(rule.function):
                    setattr(value, marker, dataclasses.replace(rule, function=_inside(rule.function)))

    @stateful.initialize(world=st.runner().flatmap(lambda machine: machine.world))
    def _open(self, world: World) -> None:
        self._simulate = simulate(world)
        self.sim = self._simulate.__enter__()
        self.sim.run(self.begin)

    async def begin(self) -> None:
        """Spawn what the rules need, with ``self.sim.inside.spawn``."""

    def teardown(self) -> None:
        """Stop the system; the built-in laws are checked once more."""
        if hasattr(self, "sim"):
            self._simulate.__exit__(None, None, None)


def _inside(function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """The rule as Hypothesis wants it: synchronous, run to its end in the simulation."""

    def run(machine: ActorStateMachine, **drawn: Any) -> Any:
        return machine.sim.run(lambda: function(machine, **drawn))

    run.__name__ = function.__name__
    return run


@attrs.frozen
class Contract(Generic[M]):
    """What ``check_actor`` holds an actor to."""

    actor: type[Actor[M]]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    model: type[Model[Any]] | None

    def check(self, script: list[Any], world: World, senders: int) -> None:
        """Play a script in a world and look at everything a contract can say."""
        with simulate(world) as sim:
            ref = sim.spawn(self.actor, *self.arguments, **self.options)
            outcome = sim.run(script, to=ref, senders=senders)
            assert outcome.lost == [], f"lost or ended twice: {outcome.lost}"
            self._check_crashes(sim)
            self._check_replies(outcome)
            if self.model is not None:
                verdict = outcome.explained_by(self.model)
                assert verdict.kind != "violated", verdict

    def check_restart(self, script: list[Any], backend: Backend) -> None:
        """After a restart the actor answers like a new one."""
        with simulate(World(backend=backend)) as sim:
            used = sim.spawn(self.actor, *self.arguments, **self.options)
            _ = sim.run(script, to=used)
            sim.kill(used)
            sim.settle()
            again = sim.run(script, to=used)
            fresh = sim.run(script, to=sim.spawn(self.actor, *self.arguments, **self.options))
            assert again.replies == fresh.replies, "a restarted actor answers unlike a new one"

    def _check_crashes(self, sim: Outside) -> None:
        for moment in sim.inside.moments:
            if moment.kind == "dead" and moment.what[1] == "poison":
                assert "InjectedFault" in moment.what[2], f"crashed on {moment.what[0]!r}: {moment.what[2]}"

    def _check_replies(self, outcome: Outcome) -> None:
        for one in outcome.sent:
            if isinstance(one.message, Request) and one.error is None:
                wanted = reply_type(type(one.message))
                fits = wanted is None or isinstance(one.reply, wanted)
                assert fits, f"{one.message!r} was answered with {one.reply!r}, not {wanted}"


def reply_type(request: type[Any]) -> type[Any] | tuple[type[Any], ...] | None:
    """What ``isinstance`` can check of a ``Request[R]``; None when that is nothing."""
    for base in getattr(request, "__orig_bases__", ()):
        if get_origin(base) is Request:
            return _checkable(get_args(base)[0])
    return None


def _checkable(reply: Any) -> type[Any] | tuple[type[Any], ...] | None:
    if reply is None:
        return type(None)
    origin = get_origin(reply)
    if origin is not None and isinstance(origin, type):
        parts = get_args(reply)
        if type(reply).__name__ != "UnionType":
            return origin
        checked = [_checkable(part) for part in parts]
        return None if None in checked else tuple(one for one in checked if isinstance(one, type))
    return reply if isinstance(reply, type) else None


def check_actor(
    actor: type[Actor[M]],
    *arguments: Any,
    script: st.SearchStrategy[list[Any]] | None = None,
    model: type[Model[Any]] | None = None,
    restarts_fresh: bool = True,
    max_examples: int = 60,
    **options: Any,
) -> None:
    """Hold an actor to the contract every actor has, with random scripts in random worlds.

    Every message ends exactly once; replies have the declared types; no message changes while it is
    handled; nothing but injected faults crashes it; after a restart it answers like a new one; and,
    with a model, what it answers is linearizable.

    Args:
        actor: The actor's class.
        arguments: Its constructor's arguments.
        script: What to send; by default ``messages(actor)``.
        model: A sequential model.
        restarts_fresh: False for an actor that keeps its state elsewhere.
        max_examples: Examples per law.
        options: Its constructor's keyword arguments.

    Raises:
        AssertionError: With the smallest script and world that Hypothesis found.
    """
    contract = Contract(actor, arguments, options, model)
    scripts = script if script is not None else messages(actor)
    rules = settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow],
    )
    drawn = worlds(crash=True, cancel=True, delay=True, full=True, isolation="verify")
    rules(given(script=scripts, world=drawn, senders=st.integers(1, 3))(_named(contract.check)))()
    if restarts_fresh:
        backends: st.SearchStrategy[Backend] = st.sampled_from(["asyncio", "trio"])
        rules(given(script=scripts, backend=backends)(_named(contract.check_restart)))()


def _named(method: Callable[..., None]) -> Callable[..., None]:
    """A plain function around a bound method, which Hypothesis does not take."""

    def law(*drawn: Any, **named: Any) -> None:
        method(*drawn, **named)

    law.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]  # what Hypothesis reads
    law.__annotations__ = get_type_hints(method)
    return law
