"""``orket explain RUN CALL``: why a tool call was allowed, asked about or denied, and what came of it."""

from __future__ import annotations

import json

import anyio
import attrs

from orket.domain import events as e
from orket.domain.assets import PolicyRule
from orket.domain.cards import CardStatus
from orket.domain.errors import CardNotFound
from orket.domain.events import Recorded
from orket.domain.identifiers import CallId, CardId
from orket.domain.runs import RunState
from orket.domain.tools import ToolCall
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.names import find_call
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.wording import first_line, printable
from orket.wire import codec
from orket.wire.views import event_view

_ARGUMENT_CHARS = 400
_OUTPUT_CHARS = 400


@attrs.define
class Account:
    """Everything the ledger says about one call, with what the gate knew at its first intent."""

    call_id: CallId
    call: ToolCall | None = None
    proposed: Recorded | None = None
    told: list[Recorded] = attrs.field(factory=list)
    seat: str = ""
    roles: tuple[str, ...] = ()
    card_status: CardStatus | None = None
    policy: tuple[PolicyRule, ...] = ()

    def take(self, recorded: Recorded, state: RunState) -> None:
        """Look at one event; ``state`` is the run before it."""
        event = recorded.event
        if isinstance(event, e.ModelReplied):
            for one in event.calls:
                if one.id == self.call_id:
                    self.call, self.proposed = one, recorded
                    self._look_around(state, one.card_id)
        elif isinstance(event, e.ToolCallIntended):
            if event.call.id == self.call_id:
                self.call = event.call
                self._look_around(state, event.call.card_id)
                self.told.append(recorded)
        elif (
            isinstance(event, e.ToolCallFinished | e.ToolCallInDoubt | e.ToolCallDecided)
            and event.call_id == self.call_id
        ):
            self.told.append(recorded)

    def _look_around(self, state: RunState, card_id: CardId) -> None:
        card, turn = state.cards.get(card_id), state.open_turn(card_id)
        if card is None or turn is None or state.accepted is None:
            return
        workload = state.accepted.workload
        seat = workload.epic_of(card).team.seat(turn.seat)
        self.seat, self.roles = turn.seat, () if seat is None else seat.roles
        self.card_status, self.policy = card.status, workload.organization.policy


def explain(run: str, call: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Say why a tool call was allowed, asked about or denied, and what came of it.

    Args:
        run: The run's id, or the beginning of it.
        call: The call within it, CARD/TURN/INDEX, or its whole id.
        as_json: Print what is recorded about the call, one event a line as JSON.
    """
    return anyio.run(_explain, where, run, call, as_json)


async def _explain(where: Where, run: str, name: str, as_json: bool) -> Exit:
    out = Out()
    async with reach_ledger(where.settings()) as reach:
        whole = name if name.count("/") > 2 else f"{run}/{name}"
        run_id, call_id = await find_call(reach, whole)
        account = await _account(reach, RunState(run_id=run_id), call_id)
    if account.call is None:
        raise CardNotFound(f"run {run_id} has no tool call {call_id.partition('/')[2]!r}")
    lines = [account.proposed, *account.told] if as_json else []
    for recorded in lines:
        if recorded is not None:
            out.line(codec.encode(event_view(recorded)).decode())
    for line in () if as_json else tell(account, account.call):
        out.line(line)
    return Exit.DONE


async def _account(reach: Reach, state: RunState, call_id: CallId) -> Account:
    account = Account(call_id)
    while page := await reach.read(state.run_id, after=state.last_seq, limit=PAGE):
        for recorded in page:
            account.take(recorded, state)
            state.apply_recorded(recorded)
    return account


def tell(account: Account, call: ToolCall) -> list[str]:
    """Word an account, one fact a line."""
    lines = [
        f"call       {call.id}",
        f"tool       {printable(call.tool)}",
        f"arguments  {printable(call.arguments_json, chars_max=_ARGUMENT_CHARS)}",
        f"seat       {account.seat} (roles: {', '.join(account.roles) or 'none'})",
        f"card       {call.card_id}, {account.card_status} when it was judged",
    ]
    if account.proposed is not None:
        lines.append(f"proposed   {_when(account.proposed)}, turn {call.turn}, call {call.index}")
    for recorded in account.told:
        lines.append("")
        lines += _event(recorded, account)
    if not account.told:
        lines += ["", "not begun: no intent is on the ledger"]
    elif not isinstance(account.told[-1].event, e.ToolCallFinished):
        lines += ["", "open: no receipt is on the ledger"]
    return lines


def _event(recorded: Recorded, account: Account) -> list[str]:
    match recorded.event:
        case e.ToolCallIntended() as intent:
            return _intent(recorded, intent, account)
        case e.ToolCallInDoubt(reason=reason):
            return [f"in doubt   {_when(recorded)}", f"  because  {printable(reason)}"]
        case e.ToolCallDecided(verdict=verdict, by=by):
            return [f"a person   {_when(recorded)}", f"  said     {verdict}, by {printable(by)}"]
        case e.ToolCallFinished(result=result):
            word = "ok" if result.ok else f"failed ({result.code})"
            said = first_line(result.output, chars_max=_OUTPUT_CHARS)
            return [
                f"receipt    {_when(recorded)}",
                f"  result   {word}, {result.duration_ms} ms",
                f"  output   {said}",
            ]
    return []


def _intent(recorded: Recorded, intent: e.ToolCallIntended, account: Account) -> list[str]:
    decision = intent.decision
    lines = [
        f"intent     {_when(recorded)}, attempt {intent.attempt}",
        f"  verdict  {decision.verdict}",
        f"  rule     {decision.rule}{_rule_text(decision.rule, account.policy)}",
        f"  because  {printable(decision.reason)}",
        f"  policy   version {decision.policy_version or 'none: judged before any rule'}",
        f"  recovery {intent.recovery}",
    ]
    if (why := intent.recovered) is not None:
        lines.append(f"  again    by {why.by}: {why.finding}; {printable(why.evidence)}")
    return lines


def _rule_text(rule: str, policy: tuple[PolicyRule, ...]) -> str:
    """Quote the house rule that a decision names."""
    name, _, number = rule.partition("/")
    if name != "policy" or not number.isdigit() or int(number) >= len(policy):
        return ""
    return f" {json.dumps(attrs.asdict(policy[int(number)]))}"


def _when(recorded: Recorded) -> str:
    return f"event {recorded.seq}, {recorded.at.strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z"
