"""One turn on a card: prompt → model → tool calls, in order. An open turn is taken up where it ended."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

import anyio
import attrs

from orket.decision_nodes.decisions import LoopLimits, Reading
from orket.decision_nodes.registry import Nodes
from orket.domain import events as e
from orket.domain.asking import answering
from orket.domain.assets import Environment
from orket.domain.budgets import Budget, Spent, cost_micros, exceeded
from orket.domain.cards import WAITING
from orket.domain.errors import BEYOND_REPAIR, ModelError
from orket.domain.identifiers import blob_id, call_id
from orket.domain.models import ModelReply, ModelRequest, ProposedCall, ReplyCompleted, Usage
from orket.domain.redaction import Redactor
from orket.domain.runs import CallState
from orket.domain.sandboxes import SandboxSpec
from orket.domain.seat_notes import received_by
from orket.domain.text import canonical_json, well_formed
from orket.domain.tools import ToolCall, Verdict
from orket.orchestration.desk import Desk
from orket.orchestration.govern import Authority, govern
from orket.orchestration.inbox import Mail
from orket.orchestration.live import Writing
from orket.orchestration.notebook import Notebook
from orket.orchestration.prompt import Assignment, ask_for, prompt_blob, prompt_version
from orket.orchestration.recovery import wait_for_person
from orket.services.judging import Judge
from orket.services.tool_messages import CallContext, CallOutcome, ExecuteTool, ExecutorBusy

UNBOUNDED = Budget()
OF_THE_TURN = frozenset({"turns", "tokens", "cost"})
"""What a call does not spend: its turn, and the reply that asked for it, are spent already."""


class Carried(Enum):
    """How far the tool calls of a turn were carried."""

    ALL = "all"
    WAITING = "waiting"
    SPENT = "spent"


@attrs.frozen(kw_only=True)
class Bench:
    """Where a turn is taken: the desk, the nodes, the bounds, who sits there, the run's sandbox.

    ``grant`` is what the assignment may spend. ``mail`` is None where nobody can leave a note. ``judge``
    knows the tools that only propose.
    """

    desk: Desk
    nodes: Nodes
    limits: LoopLimits
    who: Assignment
    sandbox: SandboxSpec
    judge: Judge
    grant: Budget = attrs.field(factory=Budget)
    mail: Mail | None = None

    def used_up(self, book: Notebook, *, besides: Collection[str] = ()) -> bool:
        """Whether the grant is used up; what was spent is summed only where anything is bounded."""
        return self.grant != UNBOUNDED and bool(exceeded(self.grant, book.state.spent, besides=besides))


async def take_turn(book: Notebook, bench: Bench) -> Carried:
    """Take one turn, or the rest of the open one; its judgement is the caller's.

    Raises:
        DeliveryError, ReplyError: The tool executor is gone; what acted is on the ledger or in doubt.
        StoreError: The ledger does not take records.
    """
    turn = book.turn
    if turn is None:
        number = book.state.turn_counts.get(book.card.id, 0) + 1
        if bench.mail is not None:
            await _receive(book, bench, bench.mail, number)
        request = _request(book, bench, number)
        _open(book, bench, request)
        await _ask_model(book, bench, request)
    elif turn.reply is None and not turn.error:
        await _ask_model(book, bench, _request(book, bench, turn.turn))
    return await _carry_out(book, bench)


async def _receive(book: Notebook, bench: Bench, mail: Mail, turn: int) -> None:
    """Take in the notes that have come for the seat; they are recorded with the turn that reads them."""
    card, seat = book.card, bench.who.seat.key
    before = received_by(book.state.received.get(card.id, ()), seat)
    after = before[-1].number if before else 0
    notes = await bench.desk.inbox.notes(mail, card, seat, turn, after=after)
    if notes:
        book.note(e.NotesReceived(card_id=card.id, turn=turn, seat=seat, notes=notes))


def _request(book: Notebook, bench: Bench, turn: int) -> ModelRequest:
    workload = book.file.accepted.workload
    request = ask_for(bench.nodes, workload, book.state, book.card, bench.who, turn)
    if bench.grant.tokens_max is None:
        return request
    # What was granted is all that this answer may take: a question can overdraw it, an answer shall not.
    used = book.state.spent.usage
    left = bench.grant.tokens_max - used.input_tokens - used.output_tokens
    return attrs.evolve(request, output_tokens_max=max(1, min(request.output_tokens_max, left)))


def _open(book: Notebook, bench: Bench, request: ModelRequest) -> None:
    prompt = prompt_blob(request)
    book.note(
        e.TurnStarted(
            card_id=book.card.id,
            turn=request.turn,
            seat=bench.who.seat.key,
            role=bench.who.role.name,
            review=bench.who.review,
            model=bench.who.choice.model,
            prompt=blob_id(prompt),
            prompt_version=prompt_version(bench.nodes),
        ),
        blob=prompt,
    )


async def _ask_model(book: Notebook, bench: Bench, request: ModelRequest) -> None:
    await book.flush()
    card, number = book.card.id, request.turn
    try:
        with bench.desk.live.writing(book.file.run_id, request) as live:
            reply = await _timed(bench, request, live)
    except ModelError as error:
        usage = Usage(input_tokens=error.usage[0], output_tokens=error.usage[1])
        spent = Spent(usage=usage, cost_micros=_cost(usage, bench.who.epic.environment))
        book.note(
            e.ModelFailed(
                card_id=card,
                turn=number,
                code=error.code,
                error=error.detail,
                spent=spent,
            )
        )
        return
    reading = _read(bench, reply)
    calls = tuple(_identify(book, number, index, one) for index, one in enumerate(reading.calls))
    cost = _cost(reply.usage, bench.who.epic.environment)
    book.note(e.ModelReplied(card_id=card, turn=number, reply=reply, calls=calls, cost_micros=cost))
    if reading.problem:
        book.note(e.ModelFailed(card_id=card, turn=number, code=reading.code, error=reading.problem))


def _read(bench: Bench, reply: ModelReply) -> Reading:
    """Find the calls; too many of them are none, because nobody meant them all."""
    reading, most = bench.nodes.dialect.read(reply, bench.who.tools), bench.limits.calls_per_turn_max
    if len(reading.calls) <= most:
        return reading
    text = f"{len(reading.calls)} tool calls in one turn; at most {most} are taken"
    return Reading(code="too_many_calls", problem=text)


def _cost(usage: Usage, environment: Environment) -> int:
    return cost_micros(usage, environment.input_price, environment.output_price)


async def _timed(bench: Bench, request: ModelRequest, live: Writing) -> ModelReply:
    started = anyio.current_time()
    ask = _ask_around if bench.who.choice.fallbacks else _ask_one
    reply = await ask(bench, request, live)
    took_ms = max(1, round((anyio.current_time() - started) * 1000))
    return reply if reply.duration_ms else attrs.evolve(reply, duration_ms=took_ms)


async def _ask_around(bench: Bench, request: ModelRequest, live: Writing) -> ModelReply:
    """Ask the chosen model, and the others of the house while its server does not answer.

    When none answers, a failure that may pass is the one told: a later attempt can still do.
    """
    wasted, passing = Usage(), None
    for name in (request.model, *bench.who.choice.fallbacks):
        try:
            reply = await _ask_one(bench, attrs.evolve(request, model=name), live)
        except ModelError as error:
            wasted += Usage(input_tokens=error.usage[0], output_tokens=error.usage[1])
            if error.code not in BEYOND_REPAIR:
                passing = passing or error
            if not error.elsewhere or name == bench.who.choice.fallbacks[-1]:
                told = passing or error
                told.usage = (wasted.input_tokens, wasted.output_tokens)
                raise told from None
        else:
            by = reply.model if name == request.model else name
            return attrs.evolve(reply, model=by, usage=reply.usage + wasted)
    raise AssertionError("the last of them answers or fails")


async def _ask_one(bench: Bench, request: ModelRequest, live: Writing) -> ModelReply:
    live.begin(request.model)
    client = bench.desk.model(request.model, bench.nodes)
    if live.watched:
        request = attrs.evolve(request, pieces=True)
    elif (direct := answering(client)) is not None:
        return _clean(bench.desk.redactor, await direct.reply(request))
    async with client.stream(request) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, ReplyCompleted):
                return _clean(bench.desk.redactor, chunk.reply)
            live.hear(chunk)
    raise ModelError("the model's stream ended without a reply", code="protocol", retryable=True)


def _clean(redactor: Redactor, reply: ModelReply) -> ModelReply:
    """Make of a reply what may be recorded: well formed, without secrets."""
    said = [reply.text, reply.model]
    for one in reply.calls:
        said += (one.name, one.arguments_json, one.ref)
    if all(map(str.isascii, said)) and redactor.plain(*said):
        return reply
    return redactor.value(_recordable(reply))


def _recordable(reply: ModelReply) -> ModelReply:
    calls = tuple(
        attrs.evolve(one, name=well_formed(one.name), arguments_json=well_formed(one.arguments_json))
        for one in reply.calls
    )
    return attrs.evolve(reply, text=well_formed(reply.text), calls=calls)


def _identify(book: Notebook, turn: int, index: int, proposed: ProposedCall) -> ToolCall:
    run, card = book.file.run_id, book.card.id
    return ToolCall(
        id=call_id(run, card, turn, index),
        run_id=run,
        card_id=card,
        turn=turn,
        index=index,
        tool=well_formed(proposed.name),
        arguments_json=canonical_json(proposed.arguments_json),
        ref=well_formed(proposed.ref),
    )


async def _carry_out(book: Notebook, bench: Bench) -> Carried:
    while (call := _next_call(book)) is not None:
        if call.waits_for_person:
            if book.card.status not in WAITING:  # the engine died between the question and the card's rest
                book.note(*wait_for_person(book.card, _question(call)))
            return Carried.WAITING
        if not call.attempts and bench.used_up(book, besides=OF_THE_TURN):
            return Carried.SPENT  # the turn stays open, and is taken up with the next grant
        if not call.attempts and call.verdict is None and bench.judge.proposes(call.call.tool):
            outcome = await _propose(book, bench, call)
        else:
            outcome = await _execute(book, bench, call)
        _take_down(book, bench, call, outcome)
    return Carried.ALL


async def _propose(book: Notebook, bench: Bench, call: CallState) -> CallOutcome:
    """Make a call that acts on nothing: what it does is recorded with its intent, and nothing before."""
    outcome: CallOutcome | None = None
    try:
        outcome, recovery = bench.judge.propose(call.call, _context(book, bench))
    finally:
        if outcome is None:  # a node that raises does not take along what was noted before
            await book.flush()
    book.note(e.ToolCallIntended(call=call.call, decision=outcome.decision, recovery=recovery))
    return outcome


async def _execute(book: Notebook, bench: Bench, call: CallState) -> CallOutcome:
    """Have a call judged, recorded and carried out; what was noted is recorded with its first intent."""
    noted: tuple[e.Event, ...] = ()
    if call.attempts or call.verdict is not None:
        await book.flush()
    else:
        noted = await book.hand_over()
    try:
        outcome = await bench.desk.executor.ask(
            ExecuteTool(
                call=call.call,
                context=_context(book, bench),
                attempts=call.attempts,
                verdict=call.verdict,
                approval=call.approval,
                noted=noted,
            )
        )
    except ExecutorBusy:
        await book.flush()
        raise
    book.recorded()
    intended = e.ToolCallIntended(
        call=call.call, decision=outcome.decision, recovery=call.recovery, attempt=call.attempts + 1
    )
    book.fold(intended)  # the executor has recorded it
    if outcome.result is not None:
        book.settle(call.call.id)
    return outcome


def _next_call(book: Notebook) -> CallState | None:
    return book.state.turns.pending(book.card.id)


def _context(book: Notebook, bench: Bench) -> CallContext:
    return CallContext(
        seat=bench.who.seat.key,
        roles=bench.who.seat.roles,
        role_tools=bench.who.role_tools,
        card=book.card,
        comments=book.state.comments.get(book.card.id, ()),
        verification=book.verification,
        organization=book.file.accepted.workload.organization,
        idesign=bench.who.epic.idesign,
        sandbox=bench.sandbox,
    )


def _take_down(book: Notebook, bench: Bench, call: CallState, outcome: CallOutcome) -> None:
    """Note what came of a call: the receipt with the card changes it earned, or that a person is needed."""
    if outcome.result is not None:
        result = outcome.result
        if result.changes or not bench.desk.redactor.plain(result.output, result.code, result.hint):
            result = bench.desk.redactor.value(result)
        result, changes = govern(result, _authority(book, bench))
        receipt = e.ToolCallFinished(call_id=call.call.id, card_id=book.card.id, result=result)
        book.note(receipt, *changes)
        return
    reason = outcome.doubt or outcome.decision.reason
    if outcome.doubt or outcome.decision.verdict is not Verdict.ASK:
        book.note(e.ToolCallInDoubt(call_id=call.call.id, card_id=book.card.id, reason=reason))
    book.note(*wait_for_person(book.card, f"{call.call.tool}: {reason}"))


def _question(call: CallState) -> str:
    reason = call.doubt or ("" if call.decision is None else call.decision.reason)
    return f"{call.call.tool}: {reason}"


def _authority(book: Notebook, bench: Bench) -> Authority:
    return Authority(
        seat=bench.who.seat.key,
        roles=bench.who.seat.roles,
        card=book.card,
        verification=book.verification,
        team=bench.who.epic.team,
        known=book.file.known,
    )
