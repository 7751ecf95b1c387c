"""What waits for a person, on the wire."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.wire.calls import CallView
from orket.wire.runs import RunName

ApprovalName = Annotated[
    str, Meta(description="Names what is asked; asked again, it has another one.", examples=["3f9a12cd"])
]


class ApprovalView(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that a person must decide about."""

    id: ApprovalName
    run_id: RunName
    seat: Annotated[str, Meta(description="Who proposed the call.", examples=["coder"])]
    rule: Annotated[str, Meta(description="The rule of the gate that asks.", examples=["policy/0"])]
    policy_version: Annotated[str, Meta(description="The policy that an approval is bound to.")]
    call: CallView


class ApprovalPage(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, in the runs accepted last first; ``next`` leads on, empty at the end."""

    approvals: tuple[ApprovalView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]
