"""The table of the state machine, held against a second table that was written from the rules."""

from itertools import product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from orket.domain.cards import FINAL, WAITING, CardStatus, CardType, WaitReason
from orket.domain.errors import InvalidTransition, PermissionDenied, StateMachineError, WaitReasonRequired
from orket.domain.state_machine import SYSTEM, allowed, validate_transition

GUARD = "integrity_guard"

# "from > to to"; a star marks what only the engine may do.
ARROWS = {
    "issue": """
        ready > in_progress canceled blocked*
        in_progress > blocked waiting_for_developer ready_for_testing code_review canceled
        blocked > in_progress canceled
        waiting_for_developer > in_progress canceled
        ready_for_testing > code_review in_progress canceled
        code_review > done in_progress ready_for_testing blocked* canceled*
        done > archived*
        canceled > archived*
        archived > done* canceled*
    """,
    "epic": """
        ready > in_progress canceled
        in_progress > code_review done canceled
        code_review > done in_progress
        done > archived*
        canceled > archived*
        archived > done* canceled*
    """,
    "rock": """
        ready > in_progress canceled
        in_progress > done canceled
        done > archived*
        canceled > archived*
        archived > done* canceled*
    """,
}


def model(kind: CardType, system: bool) -> set[tuple[CardStatus, CardStatus]]:
    """Read the arrows of a card type."""
    found = set()
    for line in ARROWS.get(kind, "").strip().splitlines():
        start, _, ends = line.strip().partition(" > ")
        for end in ends.split():
            if system or not end.endswith("*"):
                found.add((CardStatus(start), CardStatus(end.rstrip("*"))))
    return found


@pytest.mark.parametrize("kind", CardType)
@pytest.mark.parametrize("roles", [SYSTEM, "builder", ("builder",), GUARD, ("builder", GUARD), (), (SYSTEM,)])
@pytest.mark.parametrize("reason", [None, WaitReason.REVIEW])
def test_every_combination_agrees_with_the_rules(
    kind: CardType, roles: str | tuple[str, ...], reason: WaitReason | None
) -> None:
    arrows = model(kind, system=roles == SYSTEM)
    guard = roles == GUARD or (not isinstance(roles, str) and GUARD in roles)
    for current, wanted in product(CardStatus, CardStatus):
        expected: type[StateMachineError] | None = None
        if (current, wanted) not in arrows:
            expected = InvalidTransition
        elif wanted in WAITING and reason is None:
            expected = WaitReasonRequired
        elif kind is CardType.ISSUE and wanted is CardStatus.DONE and not guard:
            expected = PermissionDenied
        if expected is None:
            validate_transition(kind, current, wanted, roles, reason)
        else:
            with pytest.raises(expected):
                validate_transition(kind, current, wanted, roles, reason)


def test_the_messages_say_what_was_tried_and_what_is_possible() -> None:
    with pytest.raises(InvalidTransition, match="Invalid transition for issue: ready -> done") as caught:
        validate_transition(CardType.ISSUE, CardStatus.READY, CardStatus.DONE, GUARD)
    assert caught.value.allowed == ("in_progress", "canceled")
    with pytest.raises(InvalidTransition, match="none, it is final"):
        validate_transition(CardType.ISSUE, CardStatus.ARCHIVED, CardStatus.READY, "builder")
    with pytest.raises(WaitReasonRequired, match="wait_reason is required when transitioning to blocked"):
        validate_transition(CardType.ISSUE, CardStatus.IN_PROGRESS, CardStatus.BLOCKED, "builder")
    with pytest.raises(
        PermissionDenied, match="Only the 'integrity_guard' role can finalize Issues to 'DONE'"
    ):
        validate_transition(CardType.ISSUE, CardStatus.CODE_REVIEW, CardStatus.DONE, "builder")


def test_a_role_that_calls_itself_system_gets_no_rights_of_the_system() -> None:
    with pytest.raises(InvalidTransition):
        validate_transition(
            CardType.ISSUE, CardStatus.CODE_REVIEW, CardStatus.CANCELED, ("system", "builder"), None
        )


def test_the_system_itself_cannot_finish_an_issue() -> None:
    with pytest.raises(PermissionDenied):
        validate_transition(CardType.ISSUE, CardStatus.CODE_REVIEW, CardStatus.DONE)


class Walk(RuleBasedStateMachine):
    """Seats and the engine try anything, in any order; a card only ever goes where the rules lead."""

    @initialize(kind=st.sampled_from(CardType))
    def begin(self, kind: CardType) -> None:
        self.kind, self.status, self.by = kind, CardStatus.READY, "nobody"
        self.trail = [self.status]

    @rule(
        wanted=st.sampled_from(CardStatus),
        roles=st.sampled_from([SYSTEM, ("builder",), (GUARD,)]),
        reason=st.sampled_from([None, *WaitReason]),
    )
    def try_to_move(
        self, wanted: CardStatus, roles: str | tuple[str, ...], reason: WaitReason | None
    ) -> None:
        before = self.status
        try:
            validate_transition(self.kind, before, wanted, roles, reason)
        except StateMachineError:
            return
        assert (before, wanted) in model(self.kind, system=roles == SYSTEM)
        assert wanted in allowed(self.kind, before, system=roles == SYSTEM)
        assert wanted not in WAITING or reason is not None
        self.status, self.by = wanted, "guard" if GUARD in roles else "other"
        self.trail.append(wanted)

    @invariant()
    def an_issue_is_done_by_a_guard_after_review(self) -> None:
        if self.trail[-1:] == [CardStatus.DONE] and self.kind is CardType.ISSUE:
            assert self.trail[-2] is CardStatus.CODE_REVIEW
            assert self.by == "guard"

    @invariant()
    def what_is_final_stays_final(self) -> None:
        ended = [n for n, one in enumerate(self.trail) if one in FINAL]
        assert all(one in FINAL for one in self.trail[ended[0] :]) if ended else True

    @invariant()
    def utilities_and_apps_never_move(self) -> None:
        if self.kind in (CardType.UTILITY, CardType.APP):
            assert self.trail == [CardStatus.READY]


TestWalk = Walk.TestCase
