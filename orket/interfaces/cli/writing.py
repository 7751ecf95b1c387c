"""What models are writing right now, as lines for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from orket.domain.runs import RunState, RunStatus
from orket.interfaces.cli.wording import printable
from orket.wire.pieces import PieceView

LINES_MAX = 8
LINE_CHARS_MAX = 400
_ESCAPES = ((r"\n", "\n"), (r"\t", "    "), (r"\"", '"'))


@attrs.define
class Writing:
    """One answer that is being written: its text under None, its calls under their number."""

    piece: PieceView
    texts: dict[int | None, str] = attrs.field(factory=dict)
    tools: dict[int | None, str] = attrs.field(factory=dict)

    def add(self, piece: PieceView) -> None:
        """Take a piece of it."""
        self.piece = piece
        if piece.text:
            text = self.texts.get(piece.call, "")[: piece.offset] + piece.text
            self.texts[piece.call], self.tools[piece.call] = text, piece.tool

    def lines(self) -> Iterator[str]:
        """Write it as lines of text: what a call is given reads as what it says, not as JSON writes it."""
        for call, text in self.texts.items():
            if call is not None:
                yield f"→ {printable(self.tools[call])}"
            yield from readable(text, is_json=call is not None)

    def end(self, lines_max: int) -> list[str]:
        """Write its last lines."""
        call, text = next(reversed(self.texts.items()), (None, ""))
        return [*readable(text[-LINE_CHARS_MAX * lines_max :], is_json=call is not None)][-lines_max:]


@attrs.define
class Writings:
    """The answers of a run that are being written, by card."""

    answers: dict[str, Writing] = attrs.field(factory=dict)

    def add(self, piece: PieceView) -> Writing:
        """Take a piece; one of another attempt or turn starts its card's answer anew."""
        known = self.answers.get(piece.card_id)
        if known is None or (known.piece.turn, known.piece.attempt) != (piece.turn, piece.attempt):
            known = self.answers[piece.card_id] = Writing(piece)
        known.add(piece)
        return known

    def current(self, state: RunState) -> tuple[Writing, ...]:
        """Forget what the ledger knows better, and return the others."""
        self.answers = {card: one for card, one in self.answers.items() if _is_open(one.piece, state)}
        return tuple(self.answers.values())


def answered(one: Writing, state: RunState) -> Writing:
    """Return an answer as the ledger has it; what was seen of it while it was written, if it has none."""
    told = [turns for card, turns in state.turns.items() if card == one.piece.card_id]
    reply = next((turn.reply for turns in told for turn in turns if turn.turn == one.piece.turn), None)
    if reply is None:
        return one
    texts: dict[int | None, str] = {None: reply.text} if reply.text else {}
    texts |= {number: call.arguments_json for number, call in enumerate(reply.calls)}
    tools: dict[int | None, str] = {number: call.name for number, call in enumerate(reply.calls)}
    return Writing(one.piece, texts, tools)


def written(writings: Sequence[Writing], *, lines_max: int) -> list[str]:
    """Write the ends of some answers, one after the other, in at most so many lines."""
    shown = writings[: max(lines_max // 3, 1)]
    each = max(lines_max // max(len(shown), 1) - 1, 1)
    told: list[str] = []
    for one in shown:
        told += [f"{printable(one.piece.card_id)} turn {one.piece.turn}, {printable(one.piece.seat)} writes:"]
        told += [f"  {line}" for line in one.end(min(each, LINES_MAX))]
    return told[:lines_max]


def readable(text: str, *, is_json: bool) -> Iterator[str]:
    """Cut a text into lines without anything that could steer a terminal; indents stay."""
    if is_json or text.lstrip().startswith("{"):
        for written, said in _ESCAPES:
            text = text.replace(written, said)
    for line in text.split("\n"):
        told = "".join(one if one.isprintable() else " " for one in line).rstrip()
        if told:
            yield told[:LINE_CHARS_MAX]


def _is_open(piece: PieceView, state: RunState) -> bool:
    """Whether the answer to which a piece belongs is not on the ledger yet, as far as ``state`` knows."""
    if state.status is not RunStatus.RUNNING:
        return False
    turns = [turn for card, told in state.turns.items() if card == piece.card_id for turn in told]
    if not turns or turns[-1].turn < piece.turn:
        return True  # the ledger is told a little later
    last = turns[-1]
    return last.turn == piece.turn and last.reply is None and not last.error
