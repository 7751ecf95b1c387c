"""The card tree of a run as rows: rock > epic > issues, each with what is going on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs

from orket.domain.cards import Card, CardStatus
from orket.domain.runs import CallState, RunState, RunStatus, TurnState
from orket.interfaces.cli.wording import call_name, call_standing, printable

_MOVING = (CardStatus.IN_PROGRESS, CardStatus.CODE_REVIEW, CardStatus.READY_FOR_TESTING)
_STUCK = (CardStatus.BLOCKED, CardStatus.WAITING_FOR_DEVELOPER)


@attrs.frozen(kw_only=True)
class Row:
    """One line of the tree; ``branch`` is its line art, ``card`` is None for a line that sums up others."""

    branch: str
    card: Card | None
    label: str
    seat: str = ""
    turn: int = 0
    activity: str = ""
    standing: str = ""


def tree(state: RunState, *, issues_max: int | None = None) -> tuple[Row, ...]:
    """Lay out the tree; when it has more than ``issues_max`` issues, the quiet ones are summed up."""
    if state.accepted is None:
        return ()
    workload = state.accepted.workload
    rows: list[Row] = []
    if workload.rock is not None:
        rows.append(_parent("", state.cards.get(workload.rock.id, workload.rock)))
    shown = _chosen(state, issues_max)
    for number, epic in enumerate(workload.epics):
        indent, last = ("", True) if workload.rock is None else ("   ", number == len(workload.epics) - 1)
        art = "" if workload.rock is None else ("└─ " if last else "├─ ")
        rows.append(_parent(art, state.cards.get(epic.card.id, epic.card)))
        below = indent if last else "│  "
        rows.extend(_issues(state, epic.card, shown, below))
    return tuple(rows)


def _issues(state: RunState, epic: Card, shown: frozenset[str] | None, below: str) -> list[Row]:
    mine = [card for card in state.issues.values() if card.parent_id == epic.id]
    chosen = [card for card in mine if shown is None or card.id in shown]
    rest = [card for card in mine if shown is not None and card.id not in shown]
    rows = [
        _issue(state, card, below + ("└─ " if not rest and card is chosen[-1] else "├─ ")) for card in chosen
    ]
    if rest:
        counts = Counter(card.status for card in rest)
        label = ", ".join(f"{number} {status}" for status, number in counts.items())
        rows.append(Row(branch=below + "└─ ", card=None, label=f"… {label}"))
    return rows


def _chosen(state: RunState, issues_max: int | None) -> frozenset[str] | None:
    """Choose the issues worth a line: those that move, then the stuck, then what comes next; None for all."""
    issues = list(state.issues.values())
    if issues_max is None or len(issues) <= issues_max:
        return None

    def rank(card: Card) -> int:
        if card.status in _MOVING:
            return 0
        return 1 if card.status in _STUCK else 2 if card.status is CardStatus.READY else 3

    return frozenset(card.id for card in sorted(issues, key=rank)[: max(issues_max, 1)])


def _parent(branch: str, card: Card) -> Row:
    return Row(branch=branch, card=card, label=_label(card))


def _issue(state: RunState, card: Card, branch: str) -> Row:
    turn = next(iter(state.turns.get(card.id, ())[-1:]), None)
    activity, standing = _ended(state, card) if card.is_final else _doing(state, card, turn)
    return Row(
        branch=branch,
        card=card,
        label=_label(card),
        seat=printable(turn.seat if turn is not None else card.seat),
        turn=state.turn_counts.get(card.id, 0),
        activity=activity,
        standing=standing,
    )


def _label(card: Card) -> str:
    return printable(f"{card.id} {card.name}")


def _ended(state: RunState, card: Card) -> tuple[str, str]:
    result = state.verifications.get(card.id)
    if result is None or not result.results:
        return "", ""
    word = "verified" if result.ok else "verification failed"
    return "", f"{word} {result.passed}/{len(result.results)}"


def _doing(state: RunState, card: Card, turn: TurnState | None) -> tuple[str, str]:
    if turn is not None and (waiting := [one for one in turn.calls if one.waits_for_person]):
        return call_name(waiting[0].call), call_standing(waiting[0])
    if card.status in _STUCK:
        return ": ".join(printable(one) for one in (card.wait_reason, card.wait_note) if one), ""
    if turn is None:
        return "", ""
    if turn.is_open and turn.error:
        return "model", "failed"
    if turn.is_open and turn.reply is None:
        return "", "asking the model" if state.status is RunStatus.RUNNING else ""
    last = _latest(turn.calls)
    return ("", "") if last is None else (call_name(last.call), call_standing(last))


def _latest(calls: Sequence[CallState]) -> CallState | None:
    """The call that was begun last; calls of a turn begin in order."""
    begun = [one for one in calls if one.decision is not None or one.result is not None]
    return begun[-1] if begun else next(iter(calls), None)
