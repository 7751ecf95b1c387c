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
from orket.wire import codec
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

    def tick(self, watch: Watch) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Tell it aside."""
        self._out.remark(text)


class PlainLines(JsonLines):
    """One line per notable event, with the seconds the run has worked."""

    def event(self, recorded: Recorded, watch: Watch) -> None:
        """Write a line when the event is worth one."""
        if (text := line(recorded.event, watch.state)) is not None:
            self._out.line(f"{watch.elapsed_s(recorded.at):8.2f}s  {text}")


class Screen:
    """The card tree, redrawn in place; it leaves no trace, the summary follows it."""

    def __init__(self, out: Out) -> None:
        self._live = Live(console=out.console, auto_refresh=False, transient=True)
        self._note = ""

    def __enter__(self) -> Self:
        """Hide the cursor."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wipe the tree and show the cursor again."""
        self._live.stop()

    def event(self, recorded: Recorded, watch: Watch) -> None:
        """Wait for the next tick: redrawing per event would cost more than it shows."""

    def tick(self, watch: Watch) -> None:
        """Redraw."""
        height = self._live.console.height
        elapsed_s = watch.elapsed_s(datetime.now(UTC))
        self._live.update(view.live(watch.state, elapsed_s, height=height, note=self._note), refresh=True)

    def note(self, text: str) -> None:
        """Keep a line under the tree."""
        self._note = text
