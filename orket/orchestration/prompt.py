"""From a card and everything known about it to the conversation that is sent, and its blob."""

from __future__ import annotations

import attrs
import msgspec

from orket.decision_nodes.decisions import ModelChoice, PromptInput
from orket.decision_nodes.house_rules import PROMPT_TOKENS, number
from orket.decision_nodes.memo import Memo
from orket.decision_nodes.model_choice import answer_tokens_max
from orket.decision_nodes.registry import Nodes
from orket.domain.assets import Epic, Role, Seat, Workload
from orket.domain.cards import Card
from orket.domain.models import Calling, ModelRequest
from orket.domain.runs import RunState, TurnState
from orket.domain.seat_notes import received_by
from orket.domain.tools import ToolSpec

IDESIGN = "idesign"


SMALL_PROMPT_TOKENS = 4_000


@attrs.frozen(kw_only=True)
class Assignment:
    """Who works on a card: seat, leading role, all roles, offered tools, chosen model.

    ``memo`` is where its prompts' words are kept from turn to turn.
    """

    epic: Epic
    seat: Seat
    role: Role
    review: bool
    tools: tuple[ToolSpec, ...]
    choice: ModelChoice
    memo: Memo = attrs.field(factory=dict, eq=False, repr=False)

    @property
    def role_tools(self) -> tuple[str, ...]:
        """Names of the tools that are offered."""
        return tuple(spec.name for spec in self.tools)


def assign(
    nodes: Nodes, workload: Workload, card: Card, installed: tuple[ToolSpec, ...], *, review: bool, model: str
) -> Assignment | None:
    """Find seat, role, tools and model for a card's turn; None when the team has no seat for it."""
    epic = workload.epic_of(card)
    seat = nodes.router.route(card, epic.team, review=review)
    if seat is None:
        return None
    role = lead_role(workload, seat)
    return Assignment(
        epic=epic,
        seat=seat,
        role=role,
        review=review,
        tools=nodes.tool_strategy.compose(installed, role, workload.organization),
        choice=nodes.prompt_strategy.choose_model(role, epic, workload.organization, override=model),
    )


def lead_role(workload: Workload, seat: Seat) -> Role:
    """Merge the roles of a seat: the first one speaks, the tools of all are joined."""
    roles = [role for name in seat.roles if (role := workload.role(name)) is not None]
    first = roles[0] if roles else Role(name=seat.roles[0] if seat.roles else seat.key)
    tools = tuple(dict.fromkeys(tool for role in roles for tool in role.tools))
    return attrs.evolve(first, tools=tools)


def ask_for(
    nodes: Nodes, workload: Workload, state: RunState, card: Card, who: Assignment, turn: int
) -> ModelRequest:
    """Write the request of a turn (from 1) from everything the state knows about the card."""
    environment = who.epic.environment
    given = prompt_input(nodes, workload, state, card, who)
    offer = nodes.dialect.offer(nodes.prompt_strategy.compile(given), given)
    return ModelRequest(
        card=card.id,
        turn=turn,
        seat=who.seat.key,
        model=who.choice.model,
        messages=offer.messages,
        tools=given.tools,
        schema_json=offer.schema_json,
        temperature=environment.temperature if offer.temperature is None else offer.temperature,
        seed=environment.seed if offer.seed is None else offer.seed,
        output_tokens_max=answer_tokens_max(environment.params_json, given.calling),
        timeout_s=environment.timeout_s,
        params_json=environment.params_json,
        pieces=False,
    )


def prompt_input(
    nodes: Nodes, workload: Workload, state: RunState, card: Card, who: Assignment
) -> PromptInput:
    """Collect everything a prompt may say.

    Raises:
        SettingsError: A process rule is not a number in its range; admission refuses such a run.
    """
    return PromptInput(
        card=card,
        epic=who.epic,
        seat=who.seat,
        role=who.role,
        review=who.review,
        dialect=next((d for d in workload.dialects if d.model_family == who.choice.dialect), None),
        tools=nodes.dialect.narrow(who.tools, who.choice.calling),
        comments=state.comments.get(card.id, ()),
        verification=state.verifications.get(card.id),
        sent_back=state.sent_back.get(card.id),
        history=_closed(state.turns.get(card.id, ())),
        workload=workload,
        notes=received_by(state.received.get(card.id, ()), who.seat.key),
        memories=state.recalled.get(card.id, ()),
        idesign=who.epic.idesign and nodes.selection("tool_gate_node").name == IDESIGN,
        calling=who.choice.calling,
        tokens_max=_room(workload, who.choice.calling),
        memo=who.memo,
    )


def _room(workload: Workload, calling: Calling) -> int:
    """A small model has little room, and loses its thread in a long past before that is full."""
    most = number(workload.organization, PROMPT_TOKENS)
    return min(most, SMALL_PROMPT_TOKENS) if calling is Calling.SCHEMA else most


def prompt_version(nodes: Nodes) -> str:
    """Name the words that prompts are made of: what the node calls its version, or the node itself."""
    said = getattr(nodes.prompt_strategy, "version", "")
    return str(said) or nodes.selection("prompt_strategy_node").name


def _closed(turns: tuple[TurnState, ...]) -> tuple[TurnState, ...]:
    return tuple(turn for turn in turns if not turn.is_open)


def prompt_blob(request: ModelRequest) -> bytes:
    """Write what is sent to the model as canonical JSON, for the ledger."""
    body: dict[str, object] = {
        "model": request.model,
        "messages": request.messages,
        "tools": [one.name for one in request.tools],
    }
    if request.schema_json:
        body |= {"schema": msgspec.Raw(request.schema_json.encode()), "temperature": request.temperature}
        body["seed"] = request.seed
    return msgspec.json.encode(body, order="sorted")
