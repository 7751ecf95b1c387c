"""``recovery_node``: what to do with a call that was started and has no receipt."""

from __future__ import annotations

from orket.decision_nodes.decisions import RecoveryAction
from orket.domain.tools import Recovery, ToolSpec

ATTEMPTS_MAX = 5


class DefaultRecovery:
    """Does what the tool declares, and asks a person when that did not help ``ATTEMPTS_MAX`` times.

    A call that takes the engine down each time would otherwise be run again forever.
    """

    def recover(self, spec: ToolSpec, recovery: Recovery, attempts: int) -> RecoveryAction:
        """Decide from the declared recovery and how often the call was intended."""
        if attempts >= ATTEMPTS_MAX:
            return RecoveryAction.ASK
        return {
            Recovery.IDEMPOTENT: RecoveryAction.RUN_AGAIN,
            Recovery.PROBE: RecoveryAction.PROBE,
            Recovery.COMPENSATE: RecoveryAction.COMPENSATE,
            Recovery.ASK_HUMAN: RecoveryAction.ASK,
        }[recovery]
