"""Tool calls on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from orket.domain.tools import HumanVerdict, Recovery, Verdict

CallStanding = Literal["proposed", "waiting", "in_doubt", "under_way", "finished"]


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call of a run as it stands."""

    id: Annotated[str, Meta(examples=["5f1c09ab/ISSUE-A/1/0"])]
    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    turn: Annotated[int, Meta(ge=1, description="The card's turn, from 1.")]
    tool: Annotated[str, Meta(examples=["write_file"])]
    arguments_json: Annotated[str, Meta(description="Its arguments, an object as JSON text.")]
    standing: Annotated[
        CallStanding,
        Meta(
            description="`waiting` for an approval and `in_doubt` whether it acted need a person's decision; "
            "`finished` calls have a receipt, denied ones too."
        ),
    ]
    gate: Annotated[Verdict | None, Meta(description="What the gate said; null before it was asked.")]
    reason: Annotated[str, Meta(description="Why it waits, is in doubt or was denied; may be empty.")]
    recovery: Recovery
    decided: Annotated[HumanVerdict | None, Meta(description="What a person decided.")]
    ok: Annotated[bool | None, Meta(description="How it went; null before it is finished.")]
    output: Annotated[str, Meta(description="What the model was told; empty before it is finished.")]


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """Tool calls, those of a card in the order of its turns; ``next`` leads on, empty at the end."""

    calls: tuple[CallView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]
