"""The picture: a snapshot as a table of rich, as wide and as high as there is room."""

from collections.abc import Callable, Sequence
from typing import Literal

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from actors.top._history import History
from actors.top._records import ActorLine, Snapshot

CHAIN_MAX = 4
CURRENT_SLOW_S, CURRENT_STUCK_S = 1.0, 10.0


@attrs.frozen
class Look:
    """What the person chose to see."""

    busiest_first: bool = False
    first_row: int = 0


@attrs.frozen
class Column:
    """One column: it is left out when the terminal is too narrow for it."""

    title: str
    width: int
    cell: Callable[["Picture", ActorLine], Text]
    justify: Literal["left", "right"] = "left"


class Picture:
    """One snapshot with its history, about to be drawn."""

    def __init__(self, snapshot: Snapshot, history: History, look: Look) -> None:
        self.snapshot = snapshot
        self.history = history
        self.look = look
        self.lines = {line.path: line for line in snapshot.actors}

    def draw(self, width: int, rows: int | None = None) -> RenderableType:
        """The header and as many actors as there is room for; all of them without ``rows``."""
        chosen = fitting(width)
        table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="bold")
        for column in chosen:
            wide = None if column is chosen[0] else column.width
            table.add_column(
                column.title, justify=column.justify, no_wrap=True, overflow="ellipsis", width=wide
            )
        lines = ordered(self.snapshot.actors, self.look.busiest_first)
        first = min(self.look.first_row, max(0, len(lines) - 1))
        shown = lines[first:] if rows is None else lines[first : first + max(1, rows)]
        for line in shown:
            table.add_row(*(column.cell(self, line) for column in chosen))
        return Group(self.header(), table, self.remainder(len(lines), first, len(shown)))

    def header(self) -> Text:
        """The books of the whole system on one line or two."""
        seen = self.snapshot
        rate = self.history.rate()
        parts = [
            f"pid {seen.pid}",
            f"{seen.actors_total} actors",
            f"{seen.workers} workers",
            f"{seen.queued} queued",
            f"{seen.handled} handled" + (f" ({rate:,.0f}/s)" if rate is not None else ""),
            f"{seen.restarts} restarts",
        ]
        text = Text(printable(seen.system), style="bold")
        if not seen.alive:
            text.append(" is stopping", style="bold red")
        text.append(" · " + " · ".join(parts), style="not bold")
        dead = ", ".join(f"{reason} {count}" for reason, count in sorted(seen.dead_letters.items()))
        if dead:
            text.append(f" · dead letters: {dead}", style="not bold yellow")
        return text

    def remainder(self, count: int, first: int, shown: int) -> Text:
        """What is not on the screen."""
        hidden = count - shown
        # The root is a line of its own, and no actor of the books.
        unsent = max(0, self.snapshot.actors_total + 1 - count)
        words = [f"{first + 1}-{first + shown} of {count}"] if hidden else []
        words += [f"{unsent} quieter actors are left out"] if unsent else []
        return Text(" · ".join(words), style="dim")

    def chain(self, line: ActorLine) -> str:
        """Whom an actor waits for, and whom that one waits for, and so on."""
        names: list[str] = []
        at, seen = line, {line.path}
        while at.waiting_on and len(names) < CHAIN_MAX:
            path, *others = at.waiting_on
            more = f" (+{len(others)})" if others else ""
            names.append(short(path, self.snapshot.system) + more)
            if path in seen or path not in self.lines:
                break
            seen.add(path)
            at = self.lines[path]
        return " → ".join(names)


def ordered(lines: Sequence[ActorLine], busiest_first: bool) -> Sequence[ActorLine]:
    """The actors as a tree, or those with most to see first."""
    if not busiest_first:
        return lines
    return sorted(
        lines,
        key=lambda line: (line.mailbox_depth + line.offers_waiting, line.current_s or 0.0, line.restarts),
        reverse=True,
    )


def printable(text: str) -> str:
    """Text of the system that is looked at, without anything a terminal would obey."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def short(path: str, system: str) -> str:
    """A path without the system's name in front."""
    return printable(path.removeprefix(f"{system}/"))


def seconds(value: float) -> str:
    """A duration in at most five characters."""
    if value < 10:
        return f"{value:.1f}s"
    if value < 600:
        return f"{value:.0f}s"
    return f"{value / 60:.0f}m" if value < 36_000 else f"{value / 3600:.0f}h"


def name_cell(picture: Picture, line: ActorLine) -> Text:
    """The name, indented by its place in the tree, and the class behind it."""
    flat = picture.look.busiest_first
    indent = "" if flat else "  " * line.path.count("/")
    name = short(line.path, picture.snapshot.system) if flat else printable(line.path.rpartition("/")[2])
    text = Text(indent + name)
    if not line.path.rpartition("/")[2].startswith(f"{line.kind.lower()}-"):
        text.append(f" {printable(line.kind)}", style="dim")
    return text


def state_cell(_: Picture, line: ActorLine) -> Text:
    """The state, quiet when it is the usual one."""
    styles = {"running": "dim", "suspended": "yellow", "starting": "yellow"}
    return Text(line.state, style=styles.get(line.state, "bold red"))


def mail_cell(_: Picture, line: ActorLine) -> Text:
    """How many messages wait, red when the mailbox is nearly full, and who waits for room."""
    full = line.mailbox_depth / max(1, line.mailbox_capacity)
    style = "bold red" if full >= 0.8 else "yellow" if full >= 0.5 else "dim" if not full else ""
    text = Text(f"{line.mailbox_depth}/{line.mailbox_capacity}" if full else "0", style=style)
    if line.offers_waiting:
        text.append(f" +{line.offers_waiting}", style="bold red")
    return text


def oldest_cell(picture: Picture, line: ActorLine) -> Text:
    """How long the first message has waited: exactly, or at least as long as it was seen to."""
    value = picture.history.oldest_s(line)
    if value is None:
        return Text("")
    return Text(seconds(value) if line.oldest_s is not None else f"≥{seconds(value)}")


def rate_cell(picture: Picture, line: ActorLine) -> Text:
    """Messages handled per second since the last look."""
    value = picture.history.rate_of(line.path)
    return Text("" if not value else f"{value:,.1f}" if value < 100 else f"{value:,.0f}")


def current_cell(_: Picture, line: ActorLine) -> Text:
    """The message a handler is at."""
    return Text(printable(line.current or ""))


def age_cell(_: Picture, line: ActorLine) -> Text:
    """For how long."""
    if line.current_s is None:
        return Text("")
    stuck, slow = line.current_s >= CURRENT_STUCK_S, line.current_s >= CURRENT_SLOW_S
    return Text(seconds(line.current_s), style="bold red" if stuck else "yellow" if slow else "")


def waits_cell(picture: Picture, line: ActorLine) -> Text:
    """Whom it waits for."""
    return Text(picture.chain(line), style="cyan")


def restarts_cell(_: Picture, line: ActorLine) -> Text:
    """How often it was restarted."""
    return Text(str(line.restarts) if line.restarts else "", style="yellow")


def dead_cell(_: Picture, line: ActorLine) -> Text:
    """How many of its messages became dead letters."""
    return Text(str(line.dead_letters) if line.dead_letters else "", style="yellow")


#: In the order of the screen.
COLUMNS = (
    Column("ACTOR", 20, name_cell),
    Column("STATE", 9, state_cell),
    Column("MAIL", 9, mail_cell, justify="right"),
    Column("OLDEST", 6, oldest_cell, justify="right"),
    Column("MSG/S", 7, rate_cell, justify="right"),
    Column("AT", 12, current_cell),
    Column("FOR", 5, age_cell, justify="right"),
    Column("WAITS FOR", 26, waits_cell),
    Column("RESTARTS", 8, restarts_cell, justify="right"),
    Column("DEAD", 6, dead_cell, justify="right"),
)
#: In the order of their worth.
WORTH = ("ACTOR", "MAIL", "AT", "FOR", "WAITS FOR", "MSG/S", "RESTARTS", "STATE", "OLDEST", "DEAD")


def fitting(width: int) -> list[Column]:
    """The columns that fit, the worthiest first, in the order of the screen."""
    by_title = {column.title: column for column in COLUMNS}
    chosen, room = {"ACTOR"}, width - by_title["ACTOR"].width - 1
    for title in WORTH[1:]:
        room -= by_title[title].width + 1
        if room < 0:
            break
        chosen.add(title)
    return [column for column in COLUMNS if column.title in chosen]
