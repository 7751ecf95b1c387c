"""``orchestration_loop_node``: the bounds of a run's loop and the truth about its end."""

from __future__ import annotations

from collections.abc import Mapping

from orket.decision_nodes import house_rules as rules
from orket.decision_nodes.decisions import LoopEnd, LoopLimits
from orket.decision_nodes.planner import REVIEWS
from orket.domain.assets import Organization
from orket.domain.cards import Card, CardStatus
from orket.domain.identifiers import CardId

NAMED_CARDS_MAX = 5


class DefaultOrchestrationLoop:
    """Three cards at a time unless the caller or ``process_rules.parallel`` says otherwise.

    ``process_rules`` may also set ``turns_per_assignment_max`` (8), ``turns_per_card_max`` (60),
    ``calls_per_turn_max`` (10) and ``faults_per_card_max`` (3). What the caller asks for wins, within 1
    and 64.
    """

    def limits(self, organization: Organization, requested: int | None) -> LoopLimits:
        """Set the bounds.

        Raises:
            SettingsError: A process rule is not a number in its range; admission refuses such a run.
        """
        house = rules.number(organization, rules.PARALLEL)
        parallel = house if requested is None else max(1, min(requested, rules.PARALLEL.most))
        return LoopLimits(
            parallel=parallel,
            turns_per_assignment_max=rules.number(organization, rules.TURNS_PER_ASSIGNMENT),
            turns_per_card_max=rules.number(organization, rules.TURNS_PER_CARD),
            calls_per_turn_max=rules.number(organization, rules.CALLS_PER_TURN),
            faults_per_card_max=rules.number(organization, rules.FAULTS_PER_CARD),
        )

    def is_review(self, status: CardStatus) -> bool:
        """Whether a guard takes the turn: in code review, and before it when testing is asked for."""
        return status in REVIEWS

    def conclude(self, cards: Mapping[CardId, Card], only: CardId | None = None) -> LoopEnd:
        """Tell the truth: ``done``, ``canceled``, ``blocked``, or ``failed`` when there was nothing to do.

        A run is done when no card can want anything more and at least one is done; what was canceled is said.
        """
        wanted = [card for card in cards.values() if only in (None, card.id)]
        if not wanted:
            return LoopEnd(status="failed", reason="There was no card to work on.")
        stuck = [card for card in wanted if not card.is_final]
        dropped = [card for card in wanted if card.status is CardStatus.CANCELED]
        count = f"{len(wanted) - len(stuck) - len(dropped)} of {len(wanted)} cards done"
        if stuck:
            listed = _listed([f"{card.id} {_standing(card, cards)}" for card in stuck])
            return LoopEnd(status="blocked", reason=f"{count}; {listed}.")
        if not dropped:
            return LoopEnd(status="done", reason=f"{count}.")
        end = "canceled" if len(dropped) == len(wanted) else "done"
        return LoopEnd(status=end, reason=f"{count}; canceled: {_listed([card.id for card in dropped])}.")


def _standing(card: Card, cards: Mapping[CardId, Card]) -> str:
    if card.status is CardStatus.READY:
        missing = [
            one for one in card.depends_on if one not in cards or cards[one].status is not CardStatus.DONE
        ]
        return f"is ready and waits for {', '.join(missing[:NAMED_CARDS_MAX])}" if missing else "is ready"
    note = f", {card.wait_note.rstrip('.')}" if card.wait_note else ""
    reason = f" ({card.wait_reason}{note})" if card.wait_reason else ""
    return f"is {card.status}{reason}"


def _listed(parts: list[str]) -> str:
    rest = len(parts) - NAMED_CARDS_MAX
    named = "; ".join(parts[:NAMED_CARDS_MAX])
    return f"{named}; and {rest} more" if rest > 0 else named
