"""What a run looks like on a terminal: a folded state in, something rich can draw out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from orket.domain.cards import CardStatus
from orket.domain.runs import RunState, RunStatus
from orket.interfaces.cli.rows import Row, tree
from orket.interfaces.cli.wording import counted, duration, printable, tokens

_SIGNS: Mapping[CardStatus, tuple[str, str]] = MappingProxyType(
    {
        CardStatus.READY: ("○", "dim"),
        CardStatus.IN_PROGRESS: ("●", "cyan"),
        CardStatus.BLOCKED: ("✖", "red"),
        CardStatus.WAITING_FOR_DEVELOPER: ("?", "yellow"),
        CardStatus.READY_FOR_TESTING: ("●", "blue"),
        CardStatus.CODE_REVIEW: ("◆", "magenta"),
        CardStatus.DONE: ("✔", "green"),
        CardStatus.CANCELED: ("-", "dim"),
        CardStatus.ARCHIVED: ("-", "dim"),
    }
)
_RUN_STYLES: Mapping[RunStatus, str] = MappingProxyType(
    {
        RunStatus.RUNNING: "cyan",
        RunStatus.PAUSED: "yellow",
        RunStatus.WAITING_FOR_APPROVAL: "yellow",
        RunStatus.DONE: "bold green",
        RunStatus.BLOCKED: "bold red",
        RunStatus.FAILED: "bold red",
        RunStatus.CANCELED: "dim",
    }
)
# By the first word of how far a call has come; everything else went wrong.
_CALL_STYLES = MappingProxyType(
    {
        "": "",
        "ok": "green",
        "verified": "green",
        "running": "cyan",
        "asking": "cyan",
        "proposed": "dim",
        "asks": "yellow",
        "in": "yellow",
    }
)

# Lines around the tree: heading, counts, and the one the cursor stands on.
_FRAME_LINES = 3
_GAP = 2
_REASON_CHARS = 100


@attrs.frozen(kw_only=True)
class CardTree:
    """The cards of a run, as wide as there is room; a narrow terminal loses columns, not cards."""

    state: RunState
    issues_max: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for the width at hand."""
        width = options.max_width
        draws = [_card, _status]
        draws += [draw for draw, least in _OPTIONAL if width >= least]
        cells = [[draw(row) for draw in draws] for row in tree(self.state, issues_max=self.issues_max)]
        if not cells:
            return
        table = Table.grid(padding=(0, _GAP, 0, 0))
        for column in _widths([[cell.cell_len for cell in row] for row in cells], width):
            table.add_column(no_wrap=True, overflow="ellipsis", width=column)
        for row in cells:
            table.add_row(*row)
        yield table


def _widths(lengths: list[list[int]], width: int) -> list[int]:
    """Give every column what it needs; when that is too much, card and activity share what is left."""
    needs = [max(column) for column in zip(*lengths, strict=True)]
    over = sum(needs) + _GAP * len(needs) - width
    flexible = (len(needs) - 1, 0) if len(needs) > 2 else (0,)
    for index in flexible:
        given = max(needs[index] - max(over, 0), min(needs[index], width // 4))
        over -= needs[index] - given
        needs[index] = given
    return needs


def _card(row: Row) -> Text:
    text = Text(row.branch, style="dim")
    return text.append(row.label, style="" if row.card is not None else "dim")


def _status(row: Row) -> Text:
    if row.card is None:
        return Text("")
    sign, style = _SIGNS[row.card.status]
    return Text(f"{sign} {row.card.status}", style=style)


def _seat(row: Row) -> Text:
    return Text(row.seat, style="dim")


def _turn(row: Row) -> Text:
    if row.card is None or not row.turn:
        return Text("")
    text = Text(f"turn {row.turn}", style="dim")
    if row.card.retry_count:
        text.append(f" retry {row.card.retry_count}/{row.card.max_retries}", style="yellow")
    return text


def _activity(row: Row) -> Text:
    text = Text(row.standing, style=_CALL_STYLES.get(row.standing.partition(" ")[0], "red"))
    return text.append(": " if row.standing and row.activity else "", style="dim").append(
        row.activity, style=""
    )


# Below these widths a column costs more room than it tells.
_OPTIONAL = ((_seat, 90), (_turn, 76), (_activity, 52))


def standing(status: RunStatus) -> Text:
    """Word where a run stands."""
    return Text(status.replace("_", " "), style=_RUN_STYLES[status])


def heading(state: RunState) -> Text:
    """Name the run, where it stands and the sandbox it got."""
    text = Text("run ").append(state.run_id, style="bold")
    text.append("  ").append_text(standing(state.status))
    if state.reason:
        text.append(f": {printable(state.reason, chars_max=_REASON_CHARS)}")
    if state.level:
        text.append(f"  sandbox {printable(state.level)}", style="dim")
    return text


def counts(state: RunState, elapsed_s: float) -> Text:
    """Count what was used so far."""
    spent = state.spent
    parts = (counted(spent.turns, "turn"), counted(spent.tool_calls, "call"), tokens(spent.usage))
    return Text(" · ".join((*parts, duration(elapsed_s))), style="dim")


def live(
    state: RunState, elapsed_s: float, *, height: int, note: str = "", writing: Sequence[str] = ()
) -> Group:
    """Draw a run that is under way, in at most ``height`` lines; ``note`` is the last one.

    ``writing`` are lines of what its models are writing, which stand below the cards.
    """
    rows_max = height - _FRAME_LINES - bool(note) - len(writing)
    parents = len(tree(state, issues_max=1)) - 1  # and the lines that sum up the rest
    words = [Text(line, style="dim") for line in writing]
    notes = [Text(note, style="yellow")] if note else []
    frame = [heading(state), *words, counts(state, elapsed_s), *notes]
    for text in frame:
        text.no_wrap, text.overflow = True, "ellipsis"
    cards = CardTree(state=state, issues_max=max(rows_max - parents, 1))
    return Group(frame[0], cards, *frame[1:])
