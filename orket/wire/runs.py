"""Runs on the wire: starting one, looking at it, commanding it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict

RunName = Annotated[str, Meta(description="The run's id.", examples=["5f1c09ab"])]
Bound = Annotated[int, Meta(ge=1)]
Amount = Annotated[float, Meta(gt=0, le=1e9)]
By = Annotated[str, Meta(min_length=1, max_length=200, description="Who commands it.", examples=["ada"])]
Reason = Annotated[str, Meta(max_length=2000, description="Why, for the record.")]


class BudgetBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a run may spend; a bound that is left out does not exist. At a bound the run pauses."""

    turns_max: Annotated[Bound | None, Meta(description="Turns over all cards.", examples=[40])] = None
    tokens_max: Annotated[Bound | None, Meta(description="Tokens read and written by models.")] = None
    tool_calls_max: Annotated[Bound | None, Meta(description="Tool calls, denied ones included.")] = None
    wall_s_max: Annotated[Amount | None, Meta(description="Seconds of models and tools, added up.")] = None
    output_bytes_max: Annotated[Bound | None, Meta(description="Bytes that tools answer.")] = None
    cost_max: Annotated[Amount | None, Meta(description="Money, in the currency of the prices.")] = None


class StartRunBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to run, where, with which model and within which bounds."""

    target: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=4096,
            description="Path of a card file, or the name of a rock, an epic or an issue.",
            examples=["ledger_cli"],
        ),
    ]
    only: Annotated[str | None, Meta(description="Restrict the run to one issue.", examples=["ISSUE-A"])] = (
        None
    )
    workspace: Annotated[
        str, Meta(max_length=4096, description="Directory of the engine's machine; empty: one of its own.")
    ] = ""
    project: Annotated[
        str,
        Meta(
            max_length=4096,
            description="A folder of the engine's machine that the run works on a view of, unchanged.",
        ),
    ] = ""
    services: Annotated[
        str,
        Meta(
            max_length=256,
            description="The project sandbox whose services the run's commands reach; held while it is open.",
            examples=["sandbox-shop"],
        ),
    ] = ""
    model: Annotated[str, Meta(max_length=4096, description="Overrides the environment's model.")] = ""
    parallel: Annotated[
        Annotated[int, Meta(ge=1, le=64)] | None,
        Meta(description="How many cards to work on at a time; null: as the house rules say."),
    ] = None
    budget: Annotated[BudgetBody, Meta(description="Bounds at which the run pauses.")] = BudgetBody()


class ForkBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Begin a run with another one's history."""

    at: Annotated[int, Meta(ge=1, description="The last event to take over, or the turn boundary before it.")]
    model: Annotated[str, Meta(max_length=4096, description="Overrides the run's model.")] = ""
    nodes: Annotated[
        dict[str, str],
        Meta(
            description="Decision nodes by family, instead of the house's.",
            examples=[{"planner_node": "default"}],
        ),
    ] = {}
    workspace: Annotated[
        str, Meta(max_length=4096, description="A directory that is empty or missing; empty: its own.")
    ] = ""


class RunStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A run was accepted; the same again when the request is repeated with its idempotency key."""

    id: RunName
    url: Annotated[str, Meta(description="Where the run is found.", examples=["/v1/runs/5f1c09ab"])]
    events_url: Annotated[str, Meta(description="Its event stream.", examples=["/v1/runs/5f1c09ab/events"])]
    operation_url: Annotated[
        str, Meta(description="How far it has come.", examples=["/v1/operations/5f1c09ab"])
    ] = ""


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run as it stands."""

    id: RunName
    target: Annotated[str, Meta(description="What the user named.", examples=["ledger_cli"])]
    status: RunStatus
    reason: Annotated[str, Meta(description="Why it stands there; may be empty.")]
    workspace: str
    accepted_at: datetime
    finished_at: datetime | None
    last_seq: Annotated[int, Meta(description="Sequence number of its newest event.", ge=0)]


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """Runs, newest first; ``next`` leads to the older ones, empty at the end."""

    runs: tuple[RunView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


class PauseBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Stop the run's work now; it can be resumed."""

    by: By = "http"
    reason: Reason = ""


class ResumeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Let a paused run go on."""

    by: By = "http"
    budget: Annotated[BudgetBody | None, Meta(description="Replaces the run's bounds.")] = None
    budgets: Annotated[dict[str, BudgetBody], Meta(description="Replaces the bounds of single cards.")] = {}


class ArchiveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Archive cards of a run that has ended, or restore them."""

    by: By = "http"
    reason: Reason = ""
    cards: Annotated[
        tuple[str, ...],
        Meta(max_length=1000, description="Which; none: all that can be.", examples=[["ISSUE-A"]]),
    ] = ()


class CancelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """End the run for good."""

    by: By = "http"
    reason: Reason = ""


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person decided about a tool call: an approval, or what became of a call in doubt."""

    verdict: Annotated[
        HumanVerdict,
        Meta(
            description="`approve` or `deny` a call that asks; `happened` or `did_not_happen` ends a doubt."
        ),
    ]
    by: By = "http"


class RunStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands after a command was recorded."""

    id: RunName
    status: RunStatus
