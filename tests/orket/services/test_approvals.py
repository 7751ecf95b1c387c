"""A call that acts on an approval acts only on what was approved; the reason for a refusal is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from orket.domain.approvals import Approval, bind
from orket.domain.assets import Organization, PolicyRule
from orket.domain.events import ToolCallIntended
from orket.domain.tools import HumanVerdict, Verdict
from orket.services.tool_messages import CallOutcome
from tests.orket.services.rooms import CARD, Rooms, rooms

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKS = Organization(policy=(PolicyRule(effect="ask", tool="write_file"),))
ASKS_OTHERWISE = Organization(policy=(PolicyRule(effect="ask", tool="write_*"),))
DENIES = Organization(policy=(PolicyRule(effect="deny", tool="write_file"),))
ALLOWS = Organization()


@attrs.frozen
class StandingClock:
    """A clock that does not move."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


async def approved(room: Rooms, *, lasts_s: int = 60, **changes: object) -> CallOutcome:
    """Ask, approve what was asked, and execute a call that differs by ``changes``."""
    asked = room.ask_for("write_file", organization=ASKS, path="x.txt", content="one")
    first = await room.executor.ask(asked)
    assert first.decision.verdict is Verdict.ASK
    yes = Approval(
        binding=bind(asked.call, first.decision.policy_version, CARD),
        attempt=2,
        expires_at=NOW + timedelta(seconds=lasts_s),
    )
    given: dict[str, object] = {"organization": ASKS, "path": "x.txt", "content": "one", **changes}
    again = room.ask_for(
        "write_file",
        attempts=1,
        verdict=HumanVerdict.APPROVE,
        approval=yes,
        **given,  # type: ignore[arg-type]  # one mapping for all of them
    )
    return await room.executor.ask(again)


async def test_what_was_approved_acts(tmp_path: Path) -> None:
    async with rooms(tmp_path, clock=StandingClock()) as room:
        outcome = await approved(room)
    assert outcome.result is not None
    assert outcome.result.ok
    assert (tmp_path / "work" / "x.txt").read_text() == "one"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"content": "two"}, "the arguments, the policy or the card"),
        ({"path": "y.txt"}, "the arguments, the policy or the card"),
        ({"organization": ASKS_OTHERWISE}, "the arguments, the policy or the card"),
        ({"card": attrs.evolve(CARD, requirements="more")}, "the arguments, the policy or the card"),
        ({"lasts_s": 0}, "it expired at 2026-03-01T12:00:00+00:00"),
    ],
    ids=["content", "path", "policy", "card", "expired"],
)
async def test_what_was_not_approved_is_refused(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    async with rooms(tmp_path, clock=StandingClock()) as room:
        outcome = await approved(room, **changes)  # type: ignore[arg-type]  # one mapping for all of them
        last = (await room.events())[-1]
    assert outcome.result is not None
    assert (outcome.result.ok, outcome.result.code) == (False, "approval")
    assert said in outcome.result.output
    assert isinstance(last, ToolCallIntended)
    assert (last.decision.verdict, last.decision.rule) == (Verdict.DENY, "approval")
    assert not (tmp_path / "work").exists()


async def test_an_approval_is_used_once(tmp_path: Path) -> None:
    async with rooms(tmp_path, clock=StandingClock()) as room:
        asked = room.ask_for("write_file", organization=ASKS, path="x.txt", content="one")
        first = await room.executor.ask(asked)
        yes = Approval(binding=bind(asked.call, first.decision.policy_version, CARD), attempt=2)
        again = attrs.evolve(asked, attempts=2, verdict=HumanVerdict.APPROVE, approval=yes)
        outcome = await room.executor.ask(again)
    assert outcome.result is not None
    assert outcome.result.code == "approval"
    assert "given for attempt 2 and is used" in outcome.result.output


async def test_a_gate_that_became_stricter_denies_although_approved(tmp_path: Path) -> None:
    async with rooms(tmp_path, clock=StandingClock()) as room:
        outcome = await approved(room, organization=DENIES)
    assert outcome.result is not None
    assert (outcome.result.code, outcome.decision.rule) == ("denied", "policy/0")
    assert not (tmp_path / "work").exists()


async def test_a_gate_that_became_looser_needs_no_approval(tmp_path: Path) -> None:
    async with rooms(tmp_path, clock=StandingClock()) as room:
        outcome = await approved(room, organization=ALLOWS, lasts_s=0)
    assert outcome.result is not None
    assert outcome.result.ok
