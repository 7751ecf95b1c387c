"""Verification: scenarios that really execute what a run wrote, and what came of them (1.14)."""

from __future__ import annotations

from enum import StrEnum

import attrs


class ScenarioStatus(StrEnum):
    """How one scenario went."""

    PENDING = "pending"
    PASS = "pass"
    FAIL = "fail"


@attrs.frozen(kw_only=True)
class Scenario:
    """One call of the fixture: ``verify_<id>(input)`` or ``verify(input)`` must return ``expected``.

    ``input_json`` and ``expected_json`` are canonical JSON.
    """

    id: str
    description: str = ""
    input_json: str = "{}"
    expected_json: str = "null"


@attrs.frozen(kw_only=True)
class Verification:
    """What a card declares: a fixture (file and its source, taken from outside the workspace) and scenarios.

    A card without a fixture but with scenarios fails them all: what was declared and cannot run did not pass.
    """

    fixture_path: str = ""
    fixture_source: str = ""
    scenarios: tuple[Scenario, ...] = ()


@attrs.frozen(kw_only=True)
class ScenarioResult:
    """What one scenario returned (canonical JSON, empty when it did not return) and why it failed."""

    id: str
    status: ScenarioStatus
    actual_json: str = ""
    reason: str = ""


@attrs.frozen(kw_only=True)
class VerificationResult:
    """The outcome for all declared scenarios; fatal paths count every scenario as failed."""

    results: tuple[ScenarioResult, ...]
    log: str = ""

    @property
    def passed(self) -> int:
        """How many scenarios passed."""
        return sum(1 for one in self.results if one.status is ScenarioStatus.PASS)

    @property
    def failed(self) -> int:
        """How many scenarios did not pass."""
        return len(self.results) - self.passed

    @property
    def ok(self) -> bool:
        """Whether every declared scenario passed."""
        return self.failed == 0


def all_failed(verification: Verification, reason: str, log: str = "") -> VerificationResult:
    """Count every declared scenario as failed for ``reason``: the verdict of every fatal path."""
    results = tuple(
        ScenarioResult(id=one.id, status=ScenarioStatus.FAIL, reason=reason) for one in verification.scenarios
    )
    return VerificationResult(results=results, log=log)
