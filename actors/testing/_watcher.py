"""The simulator's probe: sees what the runtime does, injects faults, keeps the built-in laws."""

from collections import Counter, defaultdict, deque
from typing import Any

import anyio
import attrs

from actors._cell import TURN, Cell, Kind, Signal
from actors._hooks import Hooks
from actors._messages import DeadLetter
from actors._observe import walk
from actors._system import ActorSystem
from actors.testing._chooser import Chooser
from actors.testing._control import Control
from actors.testing._fates import Fates
from actors.testing._moments import Moments
from actors.testing._stacks import position
from actors.testing._steps import lingering, stepping
from actors.testing.errors import InjectedFault, InvariantBroken

#: The longest injected delay, in virtual seconds.
DELAY_S = 10.0


class Watcher:
    """One run's observer; it implements the runtime's ``Probe``."""

    def __init__(self, control: Control, chooser: Chooser, *, detailed: bool = False) -> None:
        self.control = control
        self.detailed = detailed
        self.chooser = chooser
        self.systems: list[ActorSystem] = []
        self.moments: Moments = Moments(lambda: (control.steps, control.now))
        self.fates: Fates = Fates()
        self.handled: int = 0
        self._active: defaultdict[str, set[int]] = defaultdict(set)
        self._slots: dict[int, int] = {}
        self._counts: Counter[str] = Counter()
        self._order: defaultdict[str, dict[int, tuple[Any, deque[int]]]] = defaultdict(dict)
        self._latest: dict[str | tuple[str, Any], int] = {}
        self._enqueued = 0

    def hooks(self) -> Hooks:
        """What systems opened in this run use."""
        watched = self.detailed or self.control.weak
        driven = watched or self.chooser.replaying or self.chooser.faults.in_handlers
        drive = self.drive if driven else None
        return Hooks(
            random=self.chooser.random,
            choose=self.chooser.cell,
            probe=self,
            drive=drive,
            opened=self.opened,
        )

    def opened(self, system: ActorSystem) -> None:
        """A system was entered in this run."""
        self.systems.append(system)
        _ = system.subscribe(DeadLetter, self._dead)

    # --- what the runtime tells ---

    def enqueue(self, path: str, message: Any) -> None:
        """A message entered a mailbox."""
        self._enqueued += 1
        entry = self._order[path].get(id(message))
        if entry is None:
            self._order[path][id(message)] = (message, deque((self._enqueued,)))
        else:
            entry[1].append(self._enqueued)
        self.moments.note("send", self.speaker(), path, message)

    def before(self, incarnation: str, message: Any) -> None:
        """A handler begins: label the task, check the order, perhaps crash it."""
        self._label(incarnation)
        path = incarnation.rpartition("#")[0]
        self._check_order(path, message)
        self.moments.note("begin", path, path, message)
        self.fates.begun(message)
        self._counts[incarnation] += 1
        if self.chooser.fault("crash", incarnation, *names(path), occurrence=self._counts[incarnation]):
            self._inject("crash", incarnation, path, message)
            raise InjectedFault("crash", incarnation)

    def after(self, incarnation: str, message: Any, outcome: str) -> None:
        """A handler has ended."""
        self.handled += 1
        self._unlabel(incarnation)
        path = incarnation.rpartition("#")[0]
        self.fates.ended(message, outcome)
        self.moments.note("end", path, path, (message, outcome))

    def reply(self, path: str, message: Any) -> None:
        """An ask was answered."""
        self.moments.note("reply", path, path, message)

    def start(self, incarnation: str) -> None:
        """An incarnation is about to be constructed."""
        path, _, generation = incarnation.rpartition("#")
        if generation == "0" and self.chooser.fault("full", path, *names(path)):
            self._fill(path)
        if self.chooser.fault("start", incarnation, *names(path)):
            self._inject("start", incarnation, path, "start")
            raise InjectedFault("start", incarnation)

    def stop(self, incarnation: str) -> None:
        """An ``on_stop`` is about to run."""
        path = incarnation.rpartition("#")[0]
        if self.chooser.fault("stop", incarnation, *names(path)):
            self._inject("stop", incarnation, path, "on_stop")
            raise InjectedFault("stop", incarnation)

    def restart(self, incarnation: str) -> None:
        """An incarnation was started after a failure."""
        path = incarnation.rpartition("#")[0]
        self.fates.restarted(path)
        self.moments.note("restart", path, path, incarnation)

    def timer(self, incarnation: str, message: Any) -> None:
        """A timer rang."""
        self.moments.note("timer", "timer", incarnation.rpartition("#")[0], message)

    def _dead(self, letter: DeadLetter) -> None:
        self.fates.ended(letter.message, f"dead letter: {letter.reason}")
        self.moments.note("dead", letter.path, letter.path, (letter.message, letter.reason, letter.error))

    # --- faults ---

    async def drive(self, incarnation: str, message: Any, work: Any) -> Any:
        """Await a handler, slower or cut off where the schedule says so."""
        path = incarnation.rpartition("#")[0]
        number = self._counts[incarnation]
        if self.chooser.fault("delay", incarnation, *names(path), occurrence=number):
            seconds = DELAY_S ** (self.chooser.amount(f"{incarnation}@{number}") * 4 - 3)
            self._inject("delay", incarnation, path, f"{seconds:.3g} s")
            try:
                await anyio.sleep(seconds)
            except BaseException:
                work.close()
                raise
        turn = TURN.get()
        if self.control.weak:
            work = lingering(work, lambda: self.chooser.linger(incarnation))
        return await stepping(work, lambda: self._suspend(incarnation, path, turn, message, work))

    def _suspend(self, incarnation: str, path: str, turn: Any, message: Any, work: Any) -> None:
        """A handler comes to an await: perhaps it gets no further."""
        if self.detailed:
            self.moments.note("switch", path, path, position(work) or "an await")
        key = f"{incarnation} await"
        self._counts[key] += 1
        number = self._counts[key]
        if self.chooser.fault("crash", key, *names(path), occurrence=number):
            self._inject("crash", incarnation, path, message)
            cell: Cell = getattr(turn, "cell", turn)
            cell.post(Signal(Kind.CRASH, failure=InjectedFault("crash", incarnation)))
        elif self.chooser.fault("cancel", key, *names(path), occurrence=number):
            self._inject("cancel", incarnation, path, message)
            kernel = getattr(turn, "cell", turn).kernel
            # Only when it is suspended does the runtime know what to cut.
            self.control.later.append(lambda: kernel.cut(turn, "deadline"))

    def _fill(self, path: str) -> None:
        for cell in (cell for system in self.systems for cell in walk(system._kernel.root)):  # noqa: SLF001 - same package
            if cell.path == path:
                options = cell.blueprint.options
                small = attrs.evolve(options, mailbox=attrs.evolve(options.mailbox, capacity=1))
                cell.blueprint = attrs.evolve(cell.blueprint, options=small)
                cell.low = 0
                self._inject("full", path, path, "its mailbox has room for one")

    def _inject(self, kind: str, incarnation: str, path: str, what: Any) -> None:
        self.moments.note("fault", path, path, (kind, incarnation, what))

    # --- names and laws ---

    def speaker(self) -> str:
        """Who acts now: an actor's path, or the task."""
        turn = TURN.get()
        if turn is not None:
            path: str = turn.path
            return path
        entry = self.control.current
        return entry.name if entry is not None else "host"

    def _label(self, incarnation: str) -> None:
        entry = self.control.current
        if entry is None:
            return
        taken = self._active[incarnation]
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        taken.add(slot)
        self._slots[entry.number] = slot
        entry.label = incarnation if not slot else f"{incarnation}~{slot}"

    def _unlabel(self, incarnation: str) -> None:
        entry = self.control.current
        if entry is None:
            return
        entry.label = None
        self._active[incarnation].discard(self._slots.pop(entry.number, 0))

    def _check_order(self, path: str, message: Any) -> None:
        entry = self._order[path].get(id(message))
        if entry is None:
            return
        number = entry[1].popleft()
        if not entry[1]:
            del self._order[path][id(message)]
        turn = TURN.get()
        if not isinstance(turn, Cell):
            return  # Concurrent handlers are exempt.
        if turn.blueprint.options.default == "postpone":
            self._check_states(turn, path, number, message)
            return
        latest = self._latest.get(path, 0)
        if number < latest:
            self._overtaken(f"{path} handles {message!r} after one that was sent later")
        self._latest[path] = max(number, latest)

    def _check_states(self, cell: Cell, path: str, number: int, message: Any) -> None:
        """Who postpones takes the oldest message that the present state handles."""
        for state, table in cell.blueprint.tables.items():
            if message.__class__ in table and number < self._latest.get((path, state), 0):
                named = getattr(state, "name", state)
                which = f"after one that was sent later in a state ({named}) that handles it"
                self._overtaken(f"{path} handles {message!r} {which}")
        mine = (path, cell.behaviour)
        self._latest[mine] = max(number, self._latest.get(mine, 0))

    def _overtaken(self, text: str) -> None:
        self.control.stop(InvariantBroken(text))

    def check_books(self) -> None:
        """The law of conservation, for every system that has ended.

        Raises:
            InvariantBroken: Messages were lost or ended twice.
        """
        for system in self.systems:
            books = system.statistics()
            ends = books.handled + books.rejected + books.expired + sum(books.dead_letters.values())
            if books.accepted + books.refused != ends + books.queued:
                raise InvariantBroken(f"{system.name}: {books} does not add up")


def names(path: str) -> tuple[str, str, str]:
    """What an actor is called in ``Faults``: its name, its class in lower case, its path."""
    name = path.rpartition("/")[2]
    return name, name.rpartition("-")[0] or name, path
