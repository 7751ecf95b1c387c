"""The law of the cards: which status may follow which, and who may say so (1.2).

Rows marked *system* may be walked by the engine only, never by a seat.

=====  =====================================  =================================================
type   from                                   to
=====  =====================================  =================================================
issue  ready                                  in_progress, canceled; *system*: blocked
issue  in_progress                            blocked, waiting_for_developer, ready_for_testing,
                                              code_review, canceled
issue  blocked, waiting_for_developer         in_progress, canceled
issue  ready_for_testing                      code_review, in_progress, canceled
issue  code_review                            done, in_progress, ready_for_testing;
                                              *system*: blocked, canceled
issue  done, canceled                         *system*: archived
epic   ready                                  in_progress, canceled
epic   in_progress                            code_review, done, canceled
epic   code_review                            done, in_progress
epic   done, canceled                         *system*: archived
rock   ready                                  in_progress, canceled
rock   in_progress                            done, canceled
rock   done, canceled                         *system*: archived
=====  =====================================  =================================================

``utility`` and ``app`` cards have no rows and never move. From ``archived`` the system brings a card back to
``done`` or ``canceled``, where it came from, because a person asked for that; no seat ever does.
"""

from __future__ import annotations

from collections.abc import Sequence

from orket.domain.assets import GUARD_ROLE
from orket.domain.cards import WAITING, CardStatus, CardType, WaitReason
from orket.domain.errors import InvalidTransition, PermissionDenied, WaitReasonRequired

SYSTEM = "system"

_S = CardStatus
_END = {_S.DONE: (), _S.CANCELED: ()}
_BACK = (_S.IN_PROGRESS, _S.CANCELED)
_TABLE: dict[CardType, dict[CardStatus, tuple[CardStatus, ...]]] = {
    CardType.ISSUE: {
        _S.READY: (_S.IN_PROGRESS, _S.CANCELED),
        _S.IN_PROGRESS: (
            _S.BLOCKED,
            _S.WAITING_FOR_DEVELOPER,
            _S.READY_FOR_TESTING,
            _S.CODE_REVIEW,
            _S.CANCELED,
        ),
        _S.BLOCKED: _BACK,
        _S.WAITING_FOR_DEVELOPER: _BACK,
        _S.READY_FOR_TESTING: (_S.CODE_REVIEW, _S.IN_PROGRESS, _S.CANCELED),
        _S.CODE_REVIEW: (_S.DONE, _S.IN_PROGRESS, _S.READY_FOR_TESTING),
        **_END,
    },
    CardType.EPIC: {
        _S.READY: (_S.IN_PROGRESS, _S.CANCELED),
        _S.IN_PROGRESS: (_S.CODE_REVIEW, _S.DONE, _S.CANCELED),
        _S.CODE_REVIEW: (_S.DONE, _S.IN_PROGRESS),
        **_END,
    },
    CardType.ROCK: {
        _S.READY: (_S.IN_PROGRESS, _S.CANCELED),
        _S.IN_PROGRESS: (_S.DONE, _S.CANCELED),
        **_END,
    },
}
_SYSTEM_ONLY: dict[tuple[CardType, CardStatus], tuple[CardStatus, ...]] = {
    (CardType.ISSUE, _S.READY): (_S.BLOCKED,),
    (CardType.ISSUE, _S.CODE_REVIEW): (_S.BLOCKED, _S.CANCELED),
    **{(kind, end): (_S.ARCHIVED,) for kind in _TABLE for end in _END},
    **{(kind, _S.ARCHIVED): tuple(_END) for kind in _TABLE},
}


def allowed(kind: CardType, current: CardStatus, *, system: bool = False) -> tuple[CardStatus, ...]:
    """List the statuses that may follow, in table order; with the system-only ones for the system."""
    seats = _TABLE.get(kind, {}).get(current, ())
    return seats + (_SYSTEM_ONLY.get((kind, current), ()) if system else ())


def validate_transition(
    kind: CardType,
    current: CardStatus,
    requested: CardStatus,
    roles: str | Sequence[str] = SYSTEM,
    wait_reason: WaitReason | None = None,
) -> None:
    """Check one status change: the arrow exists, then the wait reason, then the role.

    Args:
        kind: The card's type.
        current: Where the card stands.
        requested: Where it shall go; the same status is no arrow.
        roles: All roles of the acting seat, or ``"system"``.
        wait_reason: Required when ``requested`` is ``blocked`` or ``waiting_for_developer``.

    Raises:
        InvalidTransition: There is no such arrow for these roles.
        WaitReasonRequired: A waiting status without a reason.
        PermissionDenied: Only a seat with ``integrity_guard`` finishes an issue.
    """
    held = (roles,) if isinstance(roles, str) else tuple(roles)
    # Only the plain word is the system: a role file of that name must not lend its rights to a seat.
    options = allowed(kind, current, system=roles == SYSTEM)
    if requested not in options:
        raise InvalidTransition(kind, current, requested, options)
    if requested in WAITING and wait_reason is None:
        raise WaitReasonRequired(f"wait_reason is required when transitioning to {requested}")
    if kind is CardType.ISSUE and requested is _S.DONE and GUARD_ROLE not in held:
        raise PermissionDenied(
            f"Permission Denied: Only the '{GUARD_ROLE}' role can finalize Issues to 'DONE'"
        )
