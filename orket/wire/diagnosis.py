"""Why cards do not move, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import attrs
import msgspec
from msgspec import Meta

from orket.domain.bottlenecks import Level
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.diagnosis import Cause, Diagnosis
from orket.domain.identifiers import RunId


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to know about the run; ``rule`` is the threshold that says so."""

    level: Level
    rule: str
    text: str
    cards: tuple[str, ...]


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """One card of a chain and why it waits."""

    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    status: Annotated[str, Meta(description="Where it stands; `unknown` for a card that is not there.")]
    reason: str


class ChainView(msgspec.Struct, frozen=True, kw_only=True):
    """The way from a card that does not move to one thing it comes from: first the card, last the root."""

    cause: Cause
    links: tuple[LinkView, ...]


class BlockageView(msgspec.Struct, frozen=True, kw_only=True):
    """A card that does not move: the shortest chain to each root, ``more`` roots were left out."""

    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    name: str
    status: CardStatus
    wait_reason: WaitReason | None
    score: Annotated[float, Meta(description="Its priority plus how many cards wait for it.")]
    since: Annotated[datetime | None, Meta(description="When it came to stand there.")]
    chains: tuple[ChainView, ...]
    more: int


class RootView(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that holds cards up."""

    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    cause: Cause
    reason: str
    score: float
    frees: Annotated[tuple[str, ...], Meta(description="The cards that move once it is settled.")]
    helps: Annotated[tuple[str, ...], Meta(description="The cards that have other reasons as well.")]
    calls: Annotated[tuple[str, ...], Meta(description="Tool calls a person must decide about there.")]


class DiagnosisView(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run, or one card of it, does not move; roots that would free most come first."""

    run_id: Annotated[str, Meta(examples=["5f1c09ab"])]
    level: Level
    findings: tuple[FindingView, ...]
    blocked: tuple[BlockageView, ...]
    roots: tuple[RootView, ...]


def diagnosis_view(run_id: RunId, said: Diagnosis) -> DiagnosisView:
    """Show a diagnosis; the two have equal names for equal things."""
    told = {one.name: getattr(said, one.name) for one in attrs.fields(Diagnosis)}
    return msgspec.convert({"run_id": run_id, **told}, DiagnosisView, from_attributes=True)
