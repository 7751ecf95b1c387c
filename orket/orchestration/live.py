"""What models are writing right now, for whoever watches: beside the mailboxes, and on no ledger.

The turn drops each piece here and goes on. Watchers are woken and read what is new to them; nothing is
queued for them, so one that is slow gets larger pieces, and no model ever waits for one. While nobody
watches, a piece costs one append. It is kept no longer than its turn waits for the model, so that who comes
late gets it all.

Secrets are taken out when a watcher reads, once for all of them (``orket.domain.sifting``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import anyio
import attrs

from orket.domain.identifiers import CardId, RunId
from orket.domain.models import AskedAgain, CallDelta, ModelChunk, ModelRequest, ReplyCompleted, TextDelta
from orket.domain.pieces import PIECE_CHARS_MAX, Piece
from orket.domain.redaction import Redactor
from orket.domain.sifting import Sifter


@attrs.define(eq=False)
class _Part:
    """The text of an answer, or one of its calls, as it may be shown."""

    tool: str
    sifter: Sifter
    shown: str = ""


class Writing:
    """One answer that is being written: what the turn holds while it waits for the model."""

    def __init__(self, live: Live, run_id: RunId, request: ModelRequest) -> None:
        self.live, self.run_id = live, run_id
        self.card_id, self.turn, self.seat = request.card, request.turn, request.seat
        self.model, self.attempt = "", 0
        self._new: list[TextDelta | CallDelta] = []
        self._parts: dict[int | None, _Part] = {}

    def __enter__(self) -> Writing:
        """Be seen by watchers."""
        self.live.answers.setdefault(self.run_id, {})[self.card_id] = self
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Vanish: what comes of the answer is on the ledger."""
        writing = self.live.answers.get(self.run_id, {})
        if writing.get(self.card_id) is self:
            del writing[self.card_id]
            if not writing:
                del self.live.answers[self.run_id]

    @property
    def watched(self) -> bool:
        """Whether anybody watches the run now."""
        return self.run_id in self.live.watchers

    def begin(self, model: str) -> None:
        """Begin another attempt, with this model; what came before counts no more."""
        self.model, self.attempt = model, self.attempt + 1
        self._new, self._parts = [], {}
        if self.attempt > 1:
            self.live.wake(self.run_id)

    def hear(self, chunk: ModelChunk) -> None:
        """Take what came from the model."""
        match chunk:
            case AskedAgain():
                self.begin(self.model)
            case ReplyCompleted():
                pass
            case _:
                self._new.append(chunk)
                self.live.wake(self.run_id)

    def parts(self) -> dict[int | None, _Part]:
        """Return what may be shown so far: the text under None, calls under their number."""
        new, self._new = self._new, []
        for chunk in new:
            key = chunk.index if isinstance(chunk, CallDelta) else None
            part = self._parts.get(key)
            if part is None:
                tool = chunk.tool if isinstance(chunk, CallDelta) else ""
                part = self._parts[key] = _Part(tool, Sifter(self.live.redactor))
            part.shown += part.sifter.feed(chunk.text)
        return self._parts


@attrs.define(eq=False)
class Watcher:
    """Somebody who watches a run, and what they have seen of the answers that are being written."""

    _live: Live
    _run_id: RunId
    _bell: anyio.Event = attrs.field(factory=anyio.Event)
    _seen: dict[CardId, tuple[Writing, int, dict[int | None, int]]] = attrs.field(factory=dict)

    async def changed(self) -> None:
        """Wait until there may be something new; at once when it came since the last time."""
        await self._bell.wait()
        self._bell = anyio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._bell.set()

    def take(self) -> tuple[Piece, ...]:
        """Return what is new, in pieces of a bounded size; nothing of an answer that is no more written."""
        writing = self._live.answers.get(self._run_id, {})
        self._seen = {card: seen for card, seen in self._seen.items() if writing.get(card) is seen[0]}
        return tuple(piece for one in writing.values() for piece in self._of(one))

    def _of(self, one: Writing) -> Iterator[Piece]:
        known = self._seen.get(one.card_id)
        seen: dict[int | None, int] = {}
        if known is not None and known[1] == one.attempt:
            seen = known[2]
        elif known is not None:
            yield _piece(one, None, "", 0, "")  # what was shown of the last attempt counts no more
        for key, part in one.parts().items():
            for start in range(seen.get(key, 0), len(part.shown), PIECE_CHARS_MAX):
                text = part.shown[start : start + PIECE_CHARS_MAX]
                yield _piece(one, key, part.tool, start, text)
            seen[key] = len(part.shown)
        self._seen[one.card_id] = (one, one.attempt, seen)


@attrs.define(eq=False)
class Live:
    """The answers that are being written, and who watches; one for an engine."""

    redactor: Redactor = attrs.field(factory=Redactor)
    answers: dict[RunId, dict[CardId, Writing]] = attrs.field(factory=dict)
    watchers: dict[RunId, set[Watcher]] = attrs.field(factory=dict)

    def writing(self, run_id: RunId, request: ModelRequest) -> Writing:
        """Announce that a model is asked; to be entered for as long as it is."""
        return Writing(self, run_id, request)

    def wake(self, run_id: RunId) -> None:
        """Tell who watches a run that there is something new."""
        for one in self.watchers.get(run_id, ()):
            one.wake()

    @contextmanager
    def watch(self, run_id: RunId) -> Iterator[Watcher]:
        """Watch a run; what is being written already comes first."""
        watcher = Watcher(self, run_id)
        watcher.wake()
        self.watchers.setdefault(run_id, set()).add(watcher)
        try:
            yield watcher
        finally:
            watching = self.watchers[run_id]
            watching.discard(watcher)
            if not watching:
                del self.watchers[run_id]


def _piece(one: Writing, call: int | None, tool: str, offset: int, text: str) -> Piece:
    return Piece(
        run_id=one.run_id,
        card_id=one.card_id,
        turn=one.turn,
        attempt=one.attempt,
        seat=one.seat,
        model=one.model,
        call=call,
        tool=tool,
        offset=offset,
        text=text,
    )
