"""The card state machine as a sequential model."""

from __future__ import annotations

import attrs

from actors import Reject
from actors.testing import Model
from orket.domain.cards import CardStatus, CardType, WaitReason
from orket.domain.errors import InvalidTransition, PermissionDenied, WaitReasonRequired
from orket.domain.state_machine import SYSTEM, validate_transition


@attrs.frozen
class Move:
    """One wish to move a card.

    Attributes:
        card: Which card.
        kind: Its type.
        status: Where it shall go.
        roles: Roles of the acting seat; empty for the engine itself.
        wait_reason: Needed for a waiting status.
    """

    card: str
    kind: CardType
    status: CardStatus
    roles: tuple[str, ...] = ()
    wait_reason: WaitReason | None = None


class Refused(Reject):
    """The state machine does not allow the move."""


class CardModel(Model[frozenset[tuple[str, CardStatus]]]):
    """What cards may do, one move at a time: the state is where each card that moved stands.

    Hold an actor against it whose messages are turned into moves by overriding ``move``.
    """

    def initial(self) -> frozenset[tuple[str, CardStatus]]:
        """Return the state in which no card has moved: all are ready."""
        return frozenset()

    def move(self, message: object) -> Move:
        """Read a message as a move; here it is one."""
        assert isinstance(message, Move)
        return message

    def key(self, message: object) -> str:
        """Cards do not affect each other."""
        return self.move(message).card

    def restart(self, state: frozenset[tuple[str, CardStatus]]) -> frozenset[tuple[str, CardStatus]]:
        """Keep the state: cards are on the ledger."""
        return state

    def apply(
        self, state: frozenset[tuple[str, CardStatus]], message: object
    ) -> tuple[frozenset[tuple[str, CardStatus]], CardStatus]:
        """Move a card, or refuse.

        Raises:
            Refused: The state machine says no.
        """
        move = self.move(message)
        current = dict(state).get(move.card, CardStatus.READY)
        try:
            validate_transition(move.kind, current, move.status, move.roles or SYSTEM, move.wait_reason)
        except (InvalidTransition, PermissionDenied, WaitReasonRequired) as error:
            raise Refused(str(error)) from error
        return frozenset({**dict(state), move.card: move.status}.items()), move.status
