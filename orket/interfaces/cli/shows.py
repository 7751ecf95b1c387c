"""Three ways to show a run while it happens: redrawn, line by line, and as JSON for a program."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol, Self

from rich.live import Live

from orket.domain.events import Recorded
from orket.interfaces.cli import view
from orket.interfaces.cli.lines import line
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.watch import Watch
from orket.interfaces.cli.wording import printable
from orket.interfaces.cli.writing import Writing, Writings, answered, written
from orket.wire import codec
from orket.wire.pieces import PieceView
from orket.wire.views import event_view


class Show(Protocol):
    """Something that shows events as they come."""

    def __enter__(self) -> Self:
        """Take the terminal."""
        ...

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        ...

    def event(self, recorded: Recorded, watch: Watch) -> None:
        """Show one more event, which ``watch`` has folded already."""
        ...

    def piece(self, piece: PieceView, watch: Watch) -> None:
        """Show what a model has just written; the event with its answer will supersede it."""
        ...

    def tick(self, watch: Watch) -> None:
        """Show that time passes."""
        ...

    def note(self, text: str) -> None:
        """Tell the person at the terminal something."""
        ...


def choose(out: Out, *, as_json: bool) -> Show:
    """Choose the way that fits where the output goes."""
    if as_json:
        return JsonLines(out)
    return Screen(out) if out.is_terminal else PlainLines(out)


class JsonLines:
    """One event a line, as on the wire, and nothing else on standard output."""

    def __init__(self, out: Out) -> None:
        self._out = out

    def __enter__(self) -> Self:
        """Nothing to take."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""

    def event(self, recorded: Recorded, watch: Watch) -> None:
        """Write the event."""
        self._out.line(codec.encode(event_view(recorded)).decode())

    def piece(self, piece: PieceView, watch: Watch) -> None:
        """Write the piece, which a program tells by its ``kind``."""
        self._out.line(codec.encode(piece).decode())

    def tick(self, watch: Watch) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Tell it aside."""
        self._out.remark(text)


class PlainLines(JsonLines):
    """One line per notable event, with the seconds the run has worked; what models write, line by line."""

    def __init__(self, out: Out) -> None:
        super().__init__(out)
        self._writings = Writings()
        self._told: dict[str, tuple[tuple[int, int], int]] = {}

    def piece(self, piece: PieceView, watch: Watch) -> None:
        """Write the lines that are complete now."""
        self._tell(self._writings.add(piece), whole=False)

    def _tell(self, one: Writing, *, whole: bool) -> None:
        card, place, lines = one.piece.card_id, (one.piece.turn, one.piece.attempt), list(one.lines())
        before, told = self._told.get(card, (place, 0))
        told = told if before == place else 0
        ready = max(told, len(lines) - (not whole))
        for text in lines[told:ready]:
            self._out.line(f"{'':11}{printable(card)} ┊ {text}")
        self._told[card] = (place, ready)

    def _finish(self, seen: Writing, whole: Writing) -> None:
        """Write the rest of an answer, or all of it when it is not the one that was seen."""
        _, told = self._told.get(seen.piece.card_id, (None, 0))
        if list(seen.lines())[:told] != list(whole.lines())[:told]:
            del self._told[seen.piece.card_id]
        self._tell(whole, whole=True)

    def event(self, recorded: Recorded, watch: Watch) -> None:
        """Write a line when the event is worth one, after the rest of the answer that it tells the end of."""
        written = self._writings.answers
        self._writings.current(watch.state)
        for card, one in written.items():
            if card not in self._writings.answers:
                self._finish(one, answered(one, watch.state))
        if (text := line(recorded.event, watch.state)) is not None:
            self._out.line(f"{watch.elapsed_s(recorded.at):8.2f}s  {text}")


class Screen:
    """The card tree, redrawn in place; it leaves no trace, the summary follows it."""

    def __init__(self, out: Out) -> None:
        self._live = Live(console=out.console, auto_refresh=False, transient=True)
        self._note = ""
        self._writings = Writings()

    def __enter__(self) -> Self:
        """Hide the cursor."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wipe the tree and show the cursor again."""
        self._live.stop()

    def event(self, recorded: Recorded, watch: Watch) -> None:
        """Wait for the next tick: redrawing per event would cost more than it shows."""

    def piece(self, piece: PieceView, watch: Watch) -> None:
        """Wait for the next tick."""
        self._writings.add(piece)

    def tick(self, watch: Watch) -> None:
        """Redraw."""
        height = self._live.console.height
        elapsed_s = watch.elapsed_s(datetime.now(UTC))
        writing = written(self._writings.current(watch.state), lines_max=height // 2)
        drawn = view.live(watch.state, elapsed_s, height=height, note=self._note, writing=writing)
        self._live.update(drawn, refresh=True)

    def note(self, text: str) -> None:
        """Keep a line under the tree."""
        self._note = text
