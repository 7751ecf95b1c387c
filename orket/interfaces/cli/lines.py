"""One plain line per notable event, for pipes, logs and terminals that cannot redraw. Pure."""

from __future__ import annotations

from orket.domain import events as e
from orket.domain import workspace_events as w
from orket.domain.budgets import MICROS
from orket.domain.identifiers import CallId
from orket.domain.runs import RunState
from orket.domain.sandboxes import SandboxStatus
from orket.domain.tools import Verdict
from orket.domain.verification import ScenarioStatus, VerificationResult
from orket.interfaces.cli.wording import because, call_name, counted, printable, tokens

_CHARS_MAX = 160
_TOLD = (SandboxStatus.RUNNING, SandboxStatus.UNHEALTHY)


def line(event: e.Event, state: RunState) -> str | None:
    """Tell an event in one line, or None when it is not worth one; ``state`` has it folded already."""
    match event:
        case e.RunAccepted() | e.RunPaused() | e.RunResumed() | e.RunParked() | e.RunFinished():
            return _run(event, state)
        case e.ToolCallIntended() | e.ToolCallFinished() | e.ToolCallInDoubt() | e.ToolCallDecided():
            return _call(event, state)
        case _:
            return workspace_line(event) or _other(event, state)


def workspace_line(event: e.Event) -> str | None:
    """Tell what becomes of a workspace; None: it is some other event."""
    match event:
        case w.WorkspaceApplying():
            counts = f"{event.added} added, {event.changed} changed, {event.removed} removed"
            return f"applying to {printable(event.project)}: {counts}, by {printable(event.by)}"
        case w.WorkspaceApplied():
            return f"application {event.number} is done"
        case w.WorkspaceRollingBack():
            return f"taking application {event.number} back, by {printable(event.by)}"
        case w.WorkspaceRolledBack():
            return f"application {event.number} is taken back"
        case w.WorkspaceDiscarded():
            return f"workspace discarded by {printable(event.by)}"
        case w.WorkspaceFileSaving():
            return f"saving {printable(event.path)}, {event.size_bytes} bytes, by {printable(event.by)}"
        case w.WorkspaceFileSaved():
            return f"{printable(event.path)} is saved"
        case _:
            return None


def every(event: e.Event, state: RunState) -> str:
    """Tell any event in one line, the quiet ones too."""
    return line(event, state) or _quiet(event)


def _quiet(event: e.Event) -> str:
    match event:
        case e.CardAdded(card=card):
            return f"{printable(card.id)} read from the asset: {printable(card.name, chars_max=_CHARS_MAX)}"
        case e.ModelReplied():
            asked = counted(len(event.calls), "call")
            return f"{printable(event.card_id)} the model proposes {asked}, {tokens(event.reply.usage)}"
        case e.TurnFinished():
            return f"{printable(event.card_id)} turn {event.turn} is over: {event.outcome}"
        case e.ToolCallIntended(call=call):
            return f"{printable(call.card_id)} {call_name(call)} allowed by {printable(event.decision.rule)}"
        case e.ToolCallFinished(result=result):
            return f"{printable(event.card_id)} the call is closed, {printable(result.code)}"
        case e.NotesReceived(notes=notes):
            return f"{printable(event.card_id)} {counted(len(notes), 'note')} for turn {event.turn}"
        case e.MemoriesRecalled():
            told = len(event.memories)
            return f"{printable(event.card_id)} memory tells {told} for turn {event.turn}"
        case e.SandboxChanged():
            return f"sandbox {printable(event.driver)} {event.status}"
        case _:
            return type(event).__name__


def _run(
    event: e.RunAccepted | e.RunPaused | e.RunResumed | e.RunParked | e.RunFinished, state: RunState
) -> str:
    match event:
        case e.RunAccepted(workload=workload):
            issues = sum(len(epic.issues) for epic in workload.epics)
            named = printable(workload.target)
            where = f"workspace {printable(event.workspace)}"
            if event.isolation is not None:
                where = f"a view of {printable(event.isolation.project)}"
            if event.services:
                where += f", the services of {printable(event.services)}"
            return f"run {state.run_id}: {named}, {counted(issues, 'issue')}, {where}"
        case e.RunPaused():
            return f"run paused by {printable(event.by)}{because(event.reason)}"
        case e.RunResumed():
            return f"run resumed by {printable(event.by)}"
        case e.RunParked():
            return f"run waits for a person to decide about {counted(len(event.calls), 'call')}"
        case e.RunFinished():
            return f"run finished: {event.status}{because(event.reason)}"


def _other(event: e.Event, state: RunState) -> str | None:
    match event:
        case e.CardAdded(card=card) if not _is_from_asset(card.id, state):
            return f"{printable(card.id)} added: {printable(card.name, chars_max=_CHARS_MAX)}"
        case e.CardStatusChanged():
            why = ": ".join(printable(one) for one in (event.wait_reason, event.reason) if one)
            moved = f"{printable(event.card_id)} {event.previous} → {event.status}, by {printable(event.by)}"
            return moved + because(why)
        case e.CardCommented():
            said = printable(event.text, chars_max=_CHARS_MAX)
            return f"{printable(event.card_id)} comment by {printable(event.author)}: {said}"
        case e.CardCredited():
            amount = f"{event.amount_micros / MICROS:g} credits reported by {printable(event.by)}"
            return f"{printable(event.card_id)} {amount}{because(event.reason)}"
        case e.NoteSent():
            told = printable(event.text, chars_max=_CHARS_MAX)
            whom = f"by {printable(event.by)} to {printable(event.to or 'all seats')}"
            return f"{printable(event.card_id)} note {whom}: {told}"
        case e.DecisionRemembered():
            told = printable(event.text, chars_max=_CHARS_MAX)
            return f"{printable(event.card_id)} remembered by {printable(event.by)}: {told}"
        case e.CardRetried():
            card = state.cards[event.card_id]
            return f"{printable(card.id)} retry {event.retry_count}/{card.max_retries}{because(event.note)}"
        case e.CardFaulted():
            return f"{printable(event.card_id)} fault{because(event.error)}"
        case e.TurnStarted():
            what = "reviews as" if event.review else "takes a turn as"
            who = f"{printable(event.seat)} {what} {printable(event.role)}"
            return f"{printable(event.card_id)} turn {event.turn}: {who}"
        case e.ModelFailed():
            return f"{printable(event.card_id)} model failed, {event.code}{because(event.error)}"
        case e.VerificationFinished():
            return f"{printable(event.card_id)} {verified(event.result)}"
        case e.SandboxChanged() if event.status in _TOLD:
            kept = f", workspace: {event.workspace}" if event.workspace else ""
            where = f"sandbox {event.driver} (level {event.level})"
            return f"{where} {event.status}{kept}{because(event.reason)}"
        case _:
            return None


def _call(
    event: e.ToolCallIntended | e.ToolCallFinished | e.ToolCallInDoubt | e.ToolCallDecided, state: RunState
) -> str | None:
    if isinstance(event, e.ToolCallIntended):
        return _intended(event)
    name = f"{printable(event.card_id)} {_name(event.call_id, state)}"
    match event:
        case e.ToolCallFinished(result=result):
            known = state.find_call(event.call_id)
            if known is not None and known.decision is not None and known.decision.verdict is Verdict.DENY:
                return None
            if result.ok:
                return f"{name} ok, {result.duration_ms} ms"
            return f"{name} failed, {printable(result.code)}{because(result.output)}"
        case e.ToolCallInDoubt():
            return f"{name} is in doubt{because(event.reason)}"
        case e.ToolCallDecided():
            return f"{name} decided by {printable(event.by)}: {event.verdict}"


def _intended(event: e.ToolCallIntended) -> str | None:
    name = f"{printable(event.call.card_id)} {call_name(event.call)}"
    reason = because(event.decision.reason)
    if event.decision.verdict is Verdict.DENY:
        return f"{name} denied by {printable(event.decision.rule)}{reason}"
    if event.decision.verdict is Verdict.ASK:
        return f"{name} asks a person, by {printable(event.decision.rule)}{reason}"
    return None if event.attempt == 1 else f"{name} again, attempt {event.attempt}"


def verified(result: VerificationResult) -> str:
    """Word a verification: how many scenarios passed, and why the others did not."""
    text = f"verification {result.passed}/{len(result.results)} passed"
    missed = [one for one in result.results if one.status is not ScenarioStatus.PASS]
    return "; ".join((text, *(printable(f"{one.id}: {one.reason}", chars_max=_CHARS_MAX) for one in missed)))


def _name(call: CallId, state: RunState) -> str:
    known = state.find_call(call)
    return call_name(known.call) if known is not None else printable(call)


def _is_from_asset(card: str, state: RunState) -> bool:
    if state.accepted is None:
        return False
    workload = state.accepted.workload
    parents = {epic.card.id for epic in workload.epics} | ({workload.rock.id} if workload.rock else set())
    return card in parents or any(one.id == card for epic in workload.epics for one in epic.issues)
