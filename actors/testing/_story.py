"""The story of a run: a message-sequence chart as text."""

from typing import Any

import attrs

from actors.testing._moments import Moment

#: Participants that get a lane of their own, and lines of a chart.
LANES_MAX = 8
LINES_MAX = 120
TEXT_MAX = 110


@attrs.frozen
class Line:
    """One row of the chart.

    Attributes:
        step: Number of the step.
        time: Virtual seconds.
        source: Lane it leaves from.
        target: Lane it leads to; the same for what an actor does by itself.
        text: What happened.
        kind: The moment's kind.
        busy: Lanes whose actor is in the middle of a handler.
    """

    step: int
    time: float
    source: int
    target: int
    text: str
    kind: str
    busy: frozenset[int]


@attrs.frozen
class Story:
    """A run as participants and lines; ``text()`` and ``svg()`` draw it."""

    lanes: tuple[str, ...]
    lines: tuple[Line, ...]
    left_out: int

    def text(self) -> str:
        """The chart with box-drawing characters: one lane per participant, words on the right."""
        head = [f"{'':12}{'  │' * at}  {name}" for at, name in enumerate(self.lanes)]
        rows = [_row(line, len(self.lanes)) for line in self.lines]
        more = [f"… and {self.left_out} more"] if self.left_out else []
        return "\n".join([f"{'step':>5} {'time':>5}", *head, *rows, *more])

    def svg(self) -> str:
        """The chart as an SVG document."""
        from actors.testing._svg import draw

        return draw(self)


def tell(moments: list[Moment], broken: str = "") -> Story:
    """Make the story of ``moments``; ``broken`` is what failed in the end."""
    lanes: dict[str, int] = {}
    busy: dict[int, int] = {}
    lines: list[Line] = []
    for moment in moments:
        text = _words(moment)
        source, target = _lane(lanes, moment.source), _lane(lanes, moment.target)
        if moment.kind == "end":
            busy[target] = busy.get(target, 1) - 1
        if text:
            active = frozenset(lane for lane, count in busy.items() if count > 0)
            lines.append(Line(moment.step, moment.time, source, target, text, moment.kind, active))
        if moment.kind == "begin":
            busy[target] = busy.get(target, 0) + 1
    left_out = max(0, len(lines) - LINES_MAX)
    lines = lines[left_out:]
    if broken:
        last = lines[-1] if lines else Line(0, 0.0, 0, 0, "", "broken", frozenset())
        first = broken.splitlines()[0][:TEXT_MAX]
        lines.append(attrs.evolve(last, source=0, target=0, text=f"✗ {first}", kind="broken"))
    return Story(tuple(lanes), tuple(lines), left_out)


def _lane(lanes: dict[str, int], name: str) -> int:
    if name not in lanes and len(lanes) >= LANES_MAX:
        name = "(others)"
    return lanes.setdefault(name, len(lanes))


def _words(moment: Moment) -> str:
    """What a line says; empty for moments that draw nothing."""
    what: Any = moment.what
    kind = moment.kind
    words: str
    if kind == "send":
        let_in = moment.source.startswith("worker")
        words = f"{'(an offer is let in)' if let_in else moment.source} → {moment.target}: {what!r}"
    elif kind == "timer":
        words = f"timer of {moment.target}: {what!r}"
    elif kind == "begin":
        words = f"{moment.target} begins {what!r}"
    elif kind == "end":
        words = f"{moment.target} ends {what[0]!r}: {what[1]}"
    elif kind == "switch":
        words = f"{moment.target} waits at {what}"
    elif kind == "restart":
        words = f"↻ {what} starts in its place"
    elif kind == "dead":
        words = f"† dead letter ({what[1]}): {what[0]!r} {what[2]}"
    elif kind == "fault":
        words = f"⚡ {what[0]} injected into {what[1]}: {what[2]}"
    elif kind == "note":
        words = str(what)
    else:
        words = ""
    return words if len(words) <= TEXT_MAX else words[: TEXT_MAX - 1] + "…"


def _row(line: Line, count: int) -> str:
    low, high = sorted((line.source, line.target))
    cells = []
    for lane in range(count):
        mark = "┃" if lane in line.busy else "│"
        if low < high and low <= lane <= high:
            mark = _arrow(line, lane, low, high)
        elif lane == line.target:
            mark = {"begin": "┏", "end": "┗", "fault": "⚡", "dead": "†", "broken": "✗", "restart": "↻"}.get(
                line.kind, "•"
            )
        before = "──" if low < lane <= high else "  "
        cells.append(before + mark)
    return f"{line.step:>5} {line.time:>5.3g} {''.join(cells)}   {line.text}"


def _arrow(line: Line, lane: int, low: int, high: int) -> str:
    if lane == line.target:
        return "▶" if lane == high else "◀"
    return "─" if low < lane < high else "├" if lane == low else "┤"
