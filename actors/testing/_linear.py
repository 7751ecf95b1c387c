"""Linearizability: is there an order of the operations, one at a time, that explains what was seen?

The search is Wing and Gong's, with Lowe's memory of (operations done, state). Histories are split by
``Model.key`` first. It is exponential in the worst case, so it has a budget of nodes.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, Literal, TypeVar

import attrs

from actors.errors import Reject

S = TypeVar("S")

NODES_MAX = 200_000
WINDOW_MAX = 12


class Model(Generic[S]):
    """A sequential model: what one actor would answer if nothing ever overlapped."""

    def initial(self) -> S:
        """The state of a new incarnation: an immutable value, best a hashable one."""
        raise NotImplementedError

    def apply(self, state: S, message: Any) -> tuple[S, Any]:
        """The next state and the reply; raise a ``Reject`` to refuse."""
        raise NotImplementedError

    def restart(self, state: S) -> S:
        """The state after a crash and a restart: a new one, unless the model says otherwise."""
        return self.initial()

    def key(self, message: Any) -> Hashable:
        """Messages of different keys do not affect each other and are checked apart."""
        return None


@attrs.frozen(eq=False)
class Operation:
    """One call in a history.

    Attributes:
        sender: Who made it.
        message: What was sent; None for a restart of the actor.
        called: When it was sent.
        returned: By when it had taken effect; infinity when nobody knows.
        reply: What came back.
        refused: The ``Reject`` that came back instead.
        certain: It did take effect. A timed-out ask, say, may have or not.
        silent: Nothing comes back: any reply of the model will do.
    """

    sender: int
    message: Any
    called: float
    returned: float
    reply: Any = None
    refused: Reject | None = None
    certain: bool = True
    silent: bool = False

    def __str__(self) -> str:
        if self.message is None:
            return "restart"
        if not self.certain:
            return f"{self.message!r} → ?"
        if self.silent:
            return f"{self.message!r}"
        return (
            f"{self.message!r} → {self.refused!r}" if self.refused else f"{self.message!r} → {self.reply!r}"
        )


@attrs.frozen
class Verdict:
    """What the search found; true only when every history was explained.

    Attributes:
        kind: ``ok``, ``violated``, or ``unknown`` when the budget of nodes was used up.
        nodes: Nodes looked at.
        picture: The operations around the violation, as intervals; empty when there is none.
    """

    kind: Literal["ok", "violated", "unknown"]
    nodes: int
    picture: str = ""

    def __bool__(self) -> bool:
        return self.kind == "ok"

    def __repr__(self) -> str:
        return f"<{self.kind} after {self.nodes} nodes>\n{self.picture}" if self.picture else f"<{self.kind}>"


def explain(history: Iterable[Operation], model: Model[Any], nodes_max: int = NODES_MAX) -> Verdict:
    """Check a history against a model."""
    nodes = 0
    for part in _split(list(history), model):
        search = Search(part, model, nodes_max - nodes)
        found = search.run()
        nodes += search.nodes
        if found is not True:
            kind: Literal["violated", "unknown"] = "violated" if found is False else "unknown"
            return Verdict(kind, nodes, picture(part, search.deepest))
    return Verdict("ok", nodes)


def _split(history: list[Operation], model: Model[Any]) -> list[list[Operation]]:
    keys: dict[Hashable, None] = {}
    for operation in history:
        if operation.message is not None:
            keys[model.key(operation.message)] = None
    return [[one for one in history if one.message is None or model.key(one.message) == key] for key in keys]


class Search:
    """One depth-first search over the orders of one history."""

    def __init__(self, history: Sequence[Operation], model: Model[Any], nodes_max: int) -> None:
        self.history = sorted(history, key=lambda one: one.called)
        self.model = model
        self.nodes_max = nodes_max
        self.nodes = 0
        self.deepest = 0
        self._needed = sum(1 << at for at, one in enumerate(self.history) if one.certain)

    def run(self) -> bool | None:
        """True: explained; False: impossible; None: out of budget."""
        seen: set[Any] = set()
        stack: list[tuple[int, Any]] = [(0, self.model.initial())]
        while stack:
            done, state = stack.pop()
            if done & self._needed == self._needed:
                return True
            memory = _memory(done, state)
            if memory in seen:
                continue
            seen.add(memory)
            self.nodes += 1
            if self.nodes > self.nodes_max:
                return None
            if done.bit_count() > self.deepest.bit_count():
                self.deepest = done
            stack.extend(self._next(done, state))
        return False

    def _next(self, done: int, state: Any) -> list[tuple[int, Any]]:
        """The states after each operation that may come next, the likeliest last."""
        remaining = [(at, one) for at, one in enumerate(self.history) if not done >> at & 1]
        earliest = min((one.returned for _, one in remaining), default=math.inf)
        found = []
        for at, one in reversed(remaining):
            if one.called <= earliest:
                after = self._apply(state, one)
                if after is not None:
                    found.append((done | 1 << at, after[0]))
        return found

    def _apply(self, state: Any, operation: Operation) -> tuple[Any] | None:
        """The state after the operation; None when it could not have ended as it did."""
        if operation.message is None:
            return (self.model.restart(state),)
        try:
            after, reply = self.model.apply(state, operation.message)
        except Reject as refusal:
            same = type(refusal) is type(operation.refused)
            return (state,) if same or operation.silent or not operation.certain else None
        if operation.certain and not operation.silent and (operation.refused or reply != operation.reply):
            return None
        return (after,)


def _memory(done: int, state: Any) -> Any:
    try:
        hash(state)
    except TypeError:
        return done, repr(state)
    return done, state


def picture(history: Sequence[Operation], explained: int) -> str:
    """The operations that no order explains, and what overlaps them, as intervals."""
    ordered = sorted(history, key=lambda one: one.called)
    left = [one for at, one in enumerate(ordered) if not explained >> at & 1]
    first = min((one.called for one in left), default=0)
    shown = [one for one in ordered if one in left or one.returned >= first][:WINDOW_MAX]
    times = sorted({t for one in shown for t in (one.called, one.returned) if t != math.inf})
    column = {t: 3 * at for at, t in enumerate(times)}
    end = 3 * len(times) + 1
    rows = []
    for one in shown:
        start, stop = column[one.called], column.get(one.returned, end)
        bar = " " * start + "├" + "─" * max(0, stop - start - 1) + ("▷" if one.returned == math.inf else "┤")
        mark = "✗" if one in left else " "
        rows.append(f"{mark} sender {one.sender}  {bar:<{end + 2}} {one}")
    return "\n".join(rows)
