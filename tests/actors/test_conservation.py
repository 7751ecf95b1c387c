"""The law of conservation: each message ends exactly one way, whatever happens to its actor.

Hypothesis writes a script of sends, crashes, kills, stops and cancellations for a small supervised
system; afterwards the books, the dead letters and the handlers' own notes must agree.
"""

import contextvars
from collections import Counter
from typing import Any

import anyio
import attrs
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors import (
    Actor,
    ActorsError,
    ActorSystem,
    DeadLetter,
    Exit,
    Mailbox,
    Ref,
    Reject,
    Reply,
    Request,
    Supervisor,
    child,
    late,
    on,
)
from tests.actors.moments import settle

STAIN: contextvars.ContextVar[int] = contextvars.ContextVar("stain", default=0)
KINDS = ("quick", "yields", "slow", "crash", "late crash", "reject", "defer", "drop", "stubborn")


@attrs.frozen
class Do(Request[int]):
    number: int
    sender: int
    kind: str


class Notes:
    """What the handlers and hooks write down, and what they are told to do."""

    def __init__(self, start_failures: frozenset[int], stop_failures: frozenset[int]) -> None:
        self.begun: list[tuple[str, Do]] = []
        self.ended: Counter[int] = Counter()
        self.active: Counter[str] = Counter()
        self.faults: list[str] = []
        self.starts = 0
        self.start_failures = start_failures
        self.stop_failures = stop_failures
        self.gate = anyio.Event()


class Victim(Actor[Do], mailbox=Mailbox(3), shutdown=0.002):
    """Does what its messages say, including the worst."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.kept: list[Reply[int]] = []

    async def on_start(self) -> None:
        self.notes.starts += 1
        if self.notes.starts % 2:
            await checkpoint()
        if self.notes.starts in self.notes.start_failures:
            raise RuntimeError("start hook")

    async def on_stop(self, reason: Exit) -> None:
        await checkpoint()
        if self.notes.starts in self.notes.stop_failures:
            raise RuntimeError("stop hook")

    @on(Do)
    async def do(self, m: Do) -> int | Reply[int]:
        notes, path = self.notes, self.ctx.path
        notes.begun.append((path, m))
        notes.active[path] += 1
        if notes.active[path] > 1:
            notes.faults.append(f"two handlers of {path} at once")
        if STAIN.get():
            notes.faults.append(f"{m} sees the stain of {STAIN.get()}")
        STAIN.set(m.number)
        try:
            return await self.act(m)
        finally:
            notes.active[path] -= 1

    async def act(self, m: Do) -> int | Reply[int]:
        if m.kind in ("yields", "late crash"):
            await checkpoint()
        elif m.kind == "slow":
            await self.notes.gate.wait()
        elif m.kind == "stubborn":
            with anyio.CancelScope(shield=True):
                await settle(3)
        if m.kind in ("crash", "late crash"):
            raise RuntimeError(m.kind)
        if m.kind == "reject":
            raise Reject(m.kind)
        if m.kind in ("defer", "drop"):
            promise = self.ctx.defer(m)
            self.kept.extend([promise] if m.kind == "defer" else [])
            return promise
        self.notes.ended[m.number] += 1
        return m.number


class Group(Supervisor, intensity=(1000, 1.0)):
    """Three victims that fall together as the subclass says."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    a = child(Victim, restart="permanent")(late(lambda group: group.notes))
    b = child(Victim, restart="transient")(late(lambda group: group.notes))
    c = child(Victim, restart="temporary")(late(lambda group: group.notes))


class AllForOne(Group, strategy="one_for_all"): ...


class Rest(Group, strategy="rest_for_one"): ...


sends = st.tuples(
    st.sampled_from(["tell", "ask", "ask", "offer", "hurried"]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(KINDS),
)
others = st.one_of(
    st.tuples(st.just("kill"), st.integers(0, 2)),
    st.tuples(st.just("stop"), st.integers(0, 2)),
    st.tuples(st.just("steps"), st.integers(1, 6)),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("gate"), st.just(0)),
)
scripts = st.lists(st.one_of(sends, sends, sends, others), max_size=30)
few = st.frozensets(st.integers(4, 9), max_size=2)


class Play:
    """One run of one script."""

    def __init__(self, system: ActorSystem, refs: list[Ref[Do]], notes: Notes) -> None:
        self.system = system
        self.refs = refs
        self.notes = notes
        self.dead: Counter[int] = Counter()
        self.sent: list[Do] = []
        self.told: set[int] = set()
        self.offered: set[int] = set()
        self.scopes: list[anyio.CancelScope] = []
        system.subscribe(DeadLetter, lambda letter: self.dead.update([letter.message.number]))

    async def ask(self, ref: Ref[Do], message: Do, timeout: float | None) -> None:
        with anyio.CancelScope() as scope:
            self.scopes.append(scope)
            try:
                answer = await ref.ask(message, timeout=timeout)
            except ActorsError:
                return
            if answer != message.number:
                self.notes.faults.append(f"{message} answered with {answer}")

    async def offer(self, ref: Ref[Do], message: Do) -> None:
        with anyio.CancelScope() as scope:
            self.scopes.append(scope)
            try:
                await ref.offer(message)
            except ActorsError:
                return

    async def run(self, script: list[Any]) -> None:
        async with anyio.create_task_group() as group:
            for number, (verb, *arguments) in enumerate(script, 1):
                if verb in ("tell", "ask", "offer", "hurried"):
                    target, sender, kind = arguments
                    self.send(group, verb, self.refs[target], Do(number, sender, kind))
                    await self.turn_over(sender)
                elif verb == "kill":
                    self.system.kill(self.refs[arguments[0]])
                elif verb == "stop":
                    group.start_soon(self.system.stop_actor, self.refs[arguments[0]])
                elif verb == "steps":
                    await settle(arguments[0])
                elif verb == "cancel" and self.scopes:
                    self.scopes[arguments[0] % len(self.scopes)].cancel()
                elif verb == "gate":
                    self.notes.gate.set()
            await settle(5)
            self.notes.gate.set()
            await settle(20)
            group.start_soon(self.system.stop)

    async def turn_over(self, sender: int) -> None:
        # One sender of the two gives way after each message, the other sends in bursts.
        if sender:
            await settle(2)

    def send(self, group: Any, verb: str, ref: Ref[Do], message: Do) -> None:
        self.sent.append(message)
        if verb == "tell":
            self.told.add(message.number)
            ref.tell(message)
        elif verb == "offer":
            self.offered.add(message.number)
            group.start_soon(self.offer, ref, message)
        else:
            group.start_soon(self.ask, ref, message, 0.001 if verb == "hurried" else None)


async def play(
    strategy: type[Group], script: list[Any], starts: frozenset[int], stops: frozenset[int]
) -> None:
    notes = Notes(starts, stops)
    async with ActorSystem(intensity=(1000, 1.0), shutdown=5) as system:
        group = system.supervise(strategy, notes)
        stage = Play(system, [group.a, group.b, group.c], notes)
        with anyio.fail_after(10):
            await stage.run(script)
    check(stage)


def check(stage: Play) -> None:
    notes, books = stage.notes, stage.system.statistics()
    assert notes.faults == []
    assert books.queued == 0
    assert all(count == 1 for count in stage.dead.values()), "two dead letters for one message"
    ends = books.handled + books.rejected + books.expired + sum(books.dead_letters.values())
    assert books.accepted + books.refused == ends
    assert sum(books.dead_letters.values()) + tells_rejected(stage) == sum(stage.dead.values())
    handled_well = set(notes.ended)
    assert not handled_well & set(stage.dead), "handled and a dead letter"
    for path in {path for path, _ in notes.begun}:
        for sender in (0, 1):
            numbers = [m.number for at, m in notes.begun if at == path and m.sender == sender]
            assert len(set(numbers)) == len(numbers), "handled twice"
            told = [number for number in numbers if number in stage.told]
            assert told == sorted(told), "out of order"


def tells_rejected(stage: Play) -> int:
    begun = {m.number for _, m in stage.notes.begun if m.kind == "reject"}
    # Offers are tells that wait: what they bring in is refused the same way.
    return len(begun & (stage.told | stage.offered) & set(stage.dead))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategy=st.sampled_from([Group, AllForOne, Rest]), script=scripts, starts=few, stops=few)
def test_each_message_ends_exactly_one_way(
    backend: str,
    strategy: type[Group],
    script: list[Any],
    starts: frozenset[int],
    stops: frozenset[int],
) -> None:
    anyio.run(play, strategy, script, starts, stops, backend=backend)
