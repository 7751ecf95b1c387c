"""The audit: what the ledger says against what the world shows. Pure; returns each breach as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from orket.domain import events as e
from orket.domain.runs import RunState, RunStatus
from orket.domain.tools import Finding, HumanVerdict, Recovery, Verdict
from tests.crash.tools import DID, MARKS, UNDID


@attrs.define
class CallStory:
    """Everything the ledger says about one call, in order."""

    events: list[e.Event] = attrs.field(factory=list)

    def of(self, kind: type[e.Event]) -> list[e.Event]:
        return [one for one in self.events if isinstance(one, kind)]

    @property
    def allowed(self) -> list[e.ToolCallIntended]:
        """The intents after which the call could act."""
        return [
            one
            for one in self.events
            if isinstance(one, e.ToolCallIntended) and one.decision.verdict is Verdict.ALLOW
        ]


def stories(events: Iterable[e.Event]) -> dict[str, CallStory]:
    """Sort what concerns calls by call."""
    found: dict[str, CallStory] = {}
    for one in events:
        match one:
            case e.ToolCallIntended(call=call):
                found.setdefault(call.id, CallStory()).events.append(one)
            case e.ToolCallFinished() | e.ToolCallInDoubt() | e.ToolCallDecided():
                found.setdefault(one.call_id, CallStory()).events.append(one)
    return found


def audit(events: Sequence[e.Event], journal: Sequence[str]) -> list[str]:
    """Find effects that the ledger does not account for, and runs that came to no end."""
    told = stories(events)
    breaches = []
    for line in sorted({line for line in journal if line.partition(" ")[2] not in told}):
        breaches.append(f"the effect {line!r} has no intent")
    for call_id, story in told.items():
        breaches += [f"{call_id}: {what}" for what in _of_call(call_id, story, journal)]
    return breaches


def _of_call(call_id: str, story: CallStory, journal: Sequence[str]) -> Iterable[str]:
    effects = [line for line in journal if line in (f"{DID} {call_id}", f"{UNDID} {call_id}")]
    done = effects.count(f"{DID} {call_id}")
    if done > len(story.allowed):
        yield f"acted {done} times after {len(story.allowed)} intents"
    yield from (what for one in story.allowed[1:] if (what := _unentitled(one, story)))
    yield from _twice(story, effects)
    receipts = story.of(e.ToolCallFinished)
    if len(receipts) > 1:
        yield f"has {len(receipts)} receipts"
    if receipts and story.events[-1] is not receipts[-1]:
        yield "went on after its receipt"
    for one in receipts:
        if isinstance(one, e.ToolCallFinished) and one.result.ok and _marks(story) and not done:
            yield "has a receipt and did not act"


def _marks(story: CallStory) -> bool:
    intents = story.of(e.ToolCallIntended)
    return any(isinstance(one, e.ToolCallIntended) and one.call.tool in MARKS for one in intents)


def _unentitled(intent: e.ToolCallIntended, story: CallStory) -> str:
    """Say why an attempt after the first lacks what must entitle it, or return an empty text."""
    why, place = intent.recovered, story.events.index(intent)
    said = [one.verdict for one in story.events[:place] if isinstance(one, e.ToolCallDecided)]
    if why is None:
        before = [one for one in story.events[:place] if isinstance(one, e.ToolCallIntended)][-1]
        if HumanVerdict.APPROVE in said[-1:] and before.decision.verdict is Verdict.ASK:
            return ""
        return f"attempt {intent.attempt} stands without a word on the one before"
    match why.by:
        case "idempotent" if intent.recovery is Recovery.IDEMPOTENT:
            return ""
        case "compensate" if intent.recovery is Recovery.COMPENSATE:
            return ""
        case "probe" if why.finding is Finding.DID_NOT_HAPPEN:
            return ""
        case "person" if HumanVerdict.DID_NOT_HAPPEN in said[-1:]:
            return ""
    return f"attempt {intent.attempt} is not entitled by {why}"


def _twice(story: CallStory, effects: Sequence[str]) -> Iterable[str]:
    """Only what was declared idempotent may stand in the world twice."""
    if any(one.recovery is Recovery.IDEMPOTENT for one in story.allowed):
        return
    standing = 0
    for line in effects:
        standing += 1 if line.startswith(DID) else -1
        if standing > 1:
            yield "acted twice"
            return


def stranded(events: Iterable[e.Recorded]) -> list[str]:
    """Say of each run that is neither done nor waits for a person why that is so."""
    runs: dict[str, RunState] = {}
    for one in events:
        runs.setdefault(one.run_id, RunState(run_id=one.run_id)).apply_recorded(one)
    return [f"run {key} is {run.status} ({run.reason})" for key, run in runs.items() if not _rests(run)]


def _rests(run: RunState) -> bool:
    if run.status is RunStatus.DONE:
        return all(card.is_final for card in run.issues.values())
    waiting = run.waiting_calls()
    noted = all(run.cards[one.call.card_id].wait_note for one in waiting)
    return run.status is RunStatus.WAITING_FOR_APPROVAL and bool(waiting) and noted
