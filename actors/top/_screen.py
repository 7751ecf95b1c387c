"""The live screen: pull, draw, heed keys, until the person quits."""

import time
from collections.abc import Callable

import attrs
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from actors.top._history import History
from actors.top._keys import Keys, open_keys
from actors.top._pull import Gone, Pull
from actors.top._records import Snapshot
from actors.top._view import Look, Picture

#: Lines of the screen that are not actors: header (two when narrow), titles, remainder, help.
FRAME_LINES = 6
HELP = "q quit · s sort · ↑↓ scroll"


class Screen:
    """What is on the screen and why."""

    def __init__(self, console: Console, pull: Pull, place: str) -> None:
        self._console = console
        self._pull = pull
        self._place = place
        self._history = History()
        self._snapshot: Snapshot | None = None
        self._gone = ""
        self._look = Look()

    def pull(self) -> None:
        """Look at the system; when it has gone, keep what was last seen."""
        try:
            self._snapshot = self._pull()
        except Gone as reason:
            self._gone = str(reason)
        else:
            self._gone = ""
            self._history.add(self._snapshot)

    def press(self, key: str) -> bool:
        """Heed a key; False for the one that quits."""
        look, page = self._look, self._rows()
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -page, "page down": page}
        if key in steps:
            last = len(self._snapshot.actors) - 1 if self._snapshot is not None else 0
            row = min(max(0, look.first_row + steps[key]), max(0, last))
            self._look = attrs.evolve(look, first_row=row)
        elif key == "s":
            self._look = Look(busiest_first=not look.busiest_first)
        return key not in ("q", "Q", "\x03")

    def draw(self) -> RenderableType:
        """The whole screen."""
        parts: list[RenderableType] = []
        if self._snapshot is not None:
            picture = Picture(self._snapshot, self._history, self._look)
            parts.append(picture.draw(self._console.width, self._rows()))
        if self._gone:
            seen = "what was last seen is above; " if self._snapshot is not None else ""
            words = f"The system is not there: {self._gone}. {seen}looking again …"
            parts.append(Text(words, style="bold red"))
        parts.append(Text(f"{HELP} · {self._place}", style="dim", no_wrap=True, overflow="ellipsis"))
        return Group(*parts)

    def _rows(self) -> int:
        return max(1, self._console.height - FRAME_LINES)


def watch(console: Console, pull: Pull, place: str, every_s: float) -> None:
    """Show the live view until q or Ctrl-C."""
    screen = Screen(console, pull, place)
    try:
        with open_keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:

            def show() -> None:
                live.update(screen.draw(), refresh=True)

            while _one_round(screen, keys, show, every_s):
                pass
    except KeyboardInterrupt:
        return


def _one_round(screen: Screen, keys: Keys, show: Callable[[], None], every_s: float) -> bool:
    """Pull once, then heed keys until it is time for the next pull; False to quit."""
    screen.pull()
    show()
    until = time.monotonic() + every_s
    while (left := until - time.monotonic()) > 0:
        key = keys.wait(left)
        if key is not None and not screen.press(key):
            return False
        show()
    return True
