"""The short way of a crash and the long one keep the same books, whatever an actor has and does."""

from typing import Any

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import (
    Actor,
    ActorSystem,
    Backoff,
    DeadLetter,
    Exit,
    NotRunning,
    Ref,
    Reject,
    Reply,
    Request,
    Terminated,
    on,
)
from tests.actors.bank import Account
from tests.actors.moments import settle


@attrs.frozen
class Do(Request[int]):
    deed: str


class Diary:
    """What the actors did, in order, across their incarnations."""

    def __init__(self) -> None:
        self.lines: list[object] = []
        self.born = 0
        self.stillborn = 0
        self.sibling: Any = None


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class No(Reject):
    pass


ERRORS = {
    "crash": ValueError("once"),
    "crash otherwise": KeyError("twice"),
    "runtime's own": NotRunning("somebody else", "x"),
    "unspeakable": Unspeakable(),
    "reject": No("never"),
    "stranger": anyio.get_cancelled_exc_class,
}


class Fragile(Actor[Do | Terminated], intensity=(1000, 1000.0)):
    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        diary.born += 1
        self.number = diary.born
        diary.lines.append(("born", self.number))
        self.kept: list[Reply[int]] = []
        if diary.stillborn:
            diary.stillborn -= 1
            raise OSError("stillborn")

    @on(Terminated)
    async def terminated(self, m: Terminated) -> None:
        self.diary.lines.append(("terminated", m.ref.path))

    @on(Do)
    async def do(self, m: Do) -> int | Reply[int]:
        self.diary.lines.append((m.deed, self.number, self.ctx.path))
        if m.deed in ERRORS:
            error: Any = ERRORS[m.deed]
            raise error() if callable(error) else error.with_traceback(None)
        if m.deed == "stillborn":
            self.diary.stillborn = 2
            raise ValueError("the next one does not live")
        if m.deed == "child":
            self.ctx.spawn(Account)
        elif m.deed == "watched child":
            self.ctx.watch(self.ctx.spawn(Account))
        elif m.deed == "watch":
            self.ctx.watch(self.diary.sibling)
        elif m.deed == "timer":
            self.ctx.after(1000, Do("late"))
        elif m.deed == "pipe":
            self.ctx.pipe(anyio.sleep_forever, lambda _: Do("piped"))
        elif m.deed == "stop":
            self.ctx.stop()
        elif m.deed == "suspended":
            self.ctx.system.suspend(self.ctx.self)
        elif m.deed == "stop, then crash":
            self.ctx.stop()
            raise ValueError(m.deed)
        elif m.deed == "wait, then crash":
            await settle(2)
            raise ValueError(m.deed)
        elif m.deed == "defer":
            self.kept.append(self.ctx.defer(m))
            return self.kept[-1]
        return self.number


class Retrying(Fragile, retry=1): ...


class Parking(Fragile, park=True): ...


class Permanent(Fragile, restart="permanent"): ...


class Temporary(Fragile, restart="temporary"): ...


class Patient(Fragile, backoff=Backoff(initial=1000.0, maximum=1000.0, jitter=0)): ...


class Hooked(Fragile):
    async def on_stop(self, reason: Exit) -> None:
        self.diary.lines.append(("on_stop", self.number, reason.kind, reason.error))


class Watcher(Actor[Terminated]):
    def __init__(self, diary: Diary, ref: Ref[Do]) -> None:
        self.diary = diary
        self.ctx.watch(ref)

    @on(Terminated)
    async def terminated(self, m: Terminated) -> None:
        self.diary.lines.append((m.ref.path, m.reason.kind, m.reason.error, bool(m.reason.trace)))


class Slow(Actor[Do]):
    async def on_stop(self, reason: Exit) -> None:
        await settle(30)

    @on(Do)
    async def do(self, m: Do) -> int:
        return 0


HELD = ("timers", "pipes", "watching", "watchers", "replies", "turns", "children", "history")
KINDS = [Fragile, Retrying, Parking, Permanent, Temporary, Patient, Hooked]
OUTSIDE = ("settle", "resume", "subscribe", "watch", "kill", "stopping")
DEEDS = (
    *(*ERRORS, "fine", "stillborn", "child", "watched child", "watch", "timer", "pipe", "stop"),
    *("suspended", "stop, then crash", "wait, then crash", "defer"),
)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["tell", "tell", "ask"]), st.sampled_from([*DEEDS, "crash", "crash", "fine"])),
    st.tuples(st.sampled_from(OUTSIDE), st.just("")),
)


async def live(
    kind: type[Fragile], steps: Any, intensity: Any, strategy: Any, *, swift: bool
) -> list[object]:
    """Everything that can be seen of a run."""
    diary, lines = Diary(), []
    system = ActorSystem(intensity=intensity, strategy=strategy)
    system._kernel.swift = swift

    async def ask(deed: str) -> None:
        try:
            lines.append(await ref.ask(Do(deed)))
        except Exception as error:  # noqa: BLE001 - compared
            said = "…" if isinstance(error.__cause__, Unspeakable) else str(error.__cause__)
            lines.append((type(error), str(error), type(error.__cause__), said))

    with anyio.fail_after(5):
        try:
            async with system, anyio.create_task_group() as group:
                ref = system.spawn(kind, diary)
                diary.sibling = sibling = system.spawn(Account, 1)
                system.spawn(Slow).tell(Do("begin"))
                for step, deed in steps:
                    if step == "tell":
                        ref.tell(Do(deed))
                    elif step == "ask":
                        group.start_soon(ask, deed)
                    elif step == "settle":
                        await settle()
                        lines.append(state_of(system, ref))
                    elif step == "resume":
                        system.resume(ref)
                    elif step == "subscribe":
                        system.subscribe(DeadLetter, lambda letter: lines.append(repr(letter)))
                    elif step == "watch":
                        system.spawn(Watcher, diary, ref)
                    elif step == "stopping":
                        group.start_soon(system.stop)
                        await settle(8)
                    elif step == "kill":
                        system.kill(ref)
                await settle()
                system.resume(ref)
                await settle()
                lines.append(state_of(system, sibling))
                group.start_soon(system.stop)
        except BaseExceptionGroup as failed:
            lines.append(sorted(notes(failed)))
    books = system.statistics()
    ends = books.handled + books.rejected + books.expired + sum(books.dead_letters.values())
    assert books.accepted + books.refused == ends
    return [*lines, *diary.lines, books, system.info(ref).incarnation, exit_of(ref)]


def state_of(system: ActorSystem, ref: Ref[Any]) -> object:
    """What can be known about the actor, times excepted, and how much hangs on its incarnation."""
    info = attrs.asdict(system.info(ref), filter=lambda at, _: not at.name.endswith("_s"))
    held = {name: len(getattr(ref._cell, name) or ()) for name in HELD}
    return info, held, exit_of(ref)


def exit_of(ref: Ref[Any]) -> object:
    """Why the last incarnation ended; a traceback names lines of either way."""
    reason: Any = ref._cell.exit
    return reason.kind, reason.error, bool(reason.trace)


def notes(failure: BaseException) -> list[str]:
    """The texts in a group."""
    own = [f"{type(failure).__name__}", *getattr(failure, "__notes__", ())]
    return [*own, *(note for part in getattr(failure, "exceptions", ()) for note in notes(part))]


async def both(kind: type[Fragile], steps: Any, intensity: Any, strategy: Any) -> None:
    """Live it the long way, then the short one."""
    long = await live(kind, steps, intensity, strategy, swift=False)
    assert await live(kind, steps, intensity, strategy, swift=True) == long


# On asyncio alone: trio throws a coin for the order of its tasks.
@pytest.mark.parametrize("kind", KINDS)
def test_after_anything_a_crash_of_any_kind_is_told_the_same_way(kind: Any) -> None:
    async def every() -> None:
        for before in [("tell", deed) for deed in DEEDS] + [(step, "") for step in OUTSIDE]:
            for error in ("crash", "unspeakable", "runtime's own", "stranger"):
                crash = [("tell", error), ("tell", "fine"), ("ask", error), ("settle", ""), ("ask", "fine")]
                steps = [("ask", "fine"), ("settle", ""), before, *crash, ("settle", ""), *crash]
                await both(kind, steps, (1000, 1000.0), "one_for_one")

    anyio.run(every)


@pytest.mark.parametrize("intensity", [(0, 1.0), (1, 1000.0), (3, 1000.0)])
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_the_limit_of_restarts_is_the_same(intensity: Any, strategy: Any) -> None:
    anyio.run(both, Fragile, [("tell", "crash"), ("ask", "fine")] * 5, intensity, strategy)


@settings(max_examples=40)
@given(
    kind=st.sampled_from([Fragile, *KINDS]),
    steps=st.lists(STEPS, min_size=4, max_size=14),
    strategy=st.sampled_from(["one_for_one", "one_for_all"]),
)
def test_any_story_is_the_same_both_ways(kind: Any, steps: Any, strategy: Any) -> None:
    anyio.run(both, kind, steps, (1000, 1000.0), strategy)
