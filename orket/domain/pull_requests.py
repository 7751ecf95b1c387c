"""What Orket does about pull requests: pure rules over typed events, and what is recorded of them.

The loop between a reviewer who asks for changes and a seat that makes them is bounded, counted for each
reviewer: the first requests are for the author, then a person is asked to look at the approach, and at last
the pull request is closed and its requirements are questioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

import attrs

REASON_CHARS_MAX = 2000
REASONS_MAX = 12
TITLE_CHARS_MAX = 200
_ISSUE = re.compile(r"\bISSUE-[A-Z0-9]+\b")


class Happening(StrEnum):
    """What somebody did to a pull request."""

    OPENED = "opened"
    PUSHED = "pushed"
    REOPENED = "reopened"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    MERGED = "merged"
    CLOSED = "closed"
    OTHER = "other"


class Response(StrEnum):
    """What Orket makes of it."""

    IGNORED = "ignored"
    NOTED = "noted"
    RUN_REQUESTED = "run_requested"
    APPROVED = "approved"
    MERGING = "merging"
    CHANGES_REQUESTED = "changes_requested"
    ESCALATED = "escalated"
    REJECTED = "rejected"


class EffectKind(StrEnum):
    """What is done to the forge, or here; all but ``START_RUN`` happen at the forge."""

    COMMENT = "comment"
    MERGE = "merge"
    CLOSE = "close"
    OPEN_ISSUE = "open_issue"
    START_RUN = "start_run"


@attrs.frozen(kw_only=True)
class PullRequestEvent:
    """One delivery of the forge: ``actor`` did ``happening`` to a pull request of ``author``.

    ``repository`` is ``owner/name``, ``reason`` what a reviewer wrote.
    """

    delivery_id: str
    repository: str
    number: int
    happening: Happening
    title: str = ""
    author: str = ""
    actor: str = ""
    reason: str = ""
    is_open: bool = True

    @property
    def place(self) -> tuple[str, int]:
        """What the rules keep apart."""
        return self.repository, self.number


@attrs.frozen(kw_only=True)
class ReviewRules:
    """The house's own part of the rules.

    Attributes:
        reviewers: Logins whose verdicts count; empty: everybody's but the author's.
        merge: Whether an approval of one of ``reviewers`` merges; nobody else's ever does.
        run_target: The asset that issues named in a title belong to; empty: no run is started.
        lead: Who is asked at an escalation.
        escalation_cycle: The change request at which a person is asked.
        cycles_max: The change request at which the pull request is closed.
    """

    reviewers: frozenset[str] = frozenset()
    merge: bool = False
    run_target: str = ""
    lead: str = "lead_architect"
    escalation_cycle: int = 3
    cycles_max: int = 4


@attrs.frozen(kw_only=True)
class Effect:
    """One thing to do: ``title`` and ``text`` are what is written, ``target`` and ``card`` what is run."""

    kind: EffectKind
    title: str = ""
    text: str = ""
    target: str = ""
    card: str = ""


@attrs.frozen(kw_only=True)
class PullRequestDecided:
    """What was made of one delivery about a pull request, and what is to be done; no run's event."""

    delivery_id: str
    repository: str
    number: int
    happening: Happening
    actor: str
    response: Response
    detail: str = ""
    cycle: int = 0
    reason: str = ""
    effects: tuple[Effect, ...] = ()


@attrs.frozen(kw_only=True)
class PullRequestEffectFinished:
    """An effect of a decision was carried out, or given up after ``attempts``; no run's event."""

    delivery_id: str
    index: int
    ok: bool
    attempts: int
    detail: str = ""


@attrs.frozen(kw_only=True)
class ForgeCall:
    """An effect on its way to the forge.

    ``mark`` names it in what is written there; ``again`` says that an earlier attempt may have been heard,
    so that the forge has to be asked before something is written twice.
    """

    repository: str
    number: int
    effect: Effect
    mark: str
    again: bool = False


@attrs.frozen(kw_only=True)
class Standing:
    """Where a pull request stands: change requests by reviewer, and what they said."""

    cycles: Mapping[str, int] = attrs.field(factory=dict)
    reasons: tuple[str, ...] = ()
    rejected: bool = False


def decide(event: PullRequestEvent, standing: Standing, rules: ReviewRules) -> PullRequestDecided:
    """Say what is made of an event; the same input gives the same answer."""
    match event.happening:
        case Happening.OPENED | Happening.PUSHED:
            return _arrived(event, rules)
        case Happening.APPROVED | Happening.CHANGES_REQUESTED:
            return _reviewed(event, standing, rules)
        case Happening.MERGED | Happening.CLOSED:
            return _decided(event, Response.NOTED, "the count of its change requests ends here")
        case Happening.REOPENED:
            return _decided(event, Response.NOTED, "change requests are counted anew")
        case Happening.OTHER:
            return _decided(event, Response.IGNORED, "nothing follows from this")


def fold(standing: Standing, decided: PullRequestDecided) -> Standing | None:
    """Say where a pull request stands after a decision; None when nothing has to be known of it any more."""
    if decided.happening in (Happening.MERGED, Happening.REOPENED):
        return None
    if decided.happening is Happening.CLOSED:
        return standing if standing.rejected else None
    if not decided.cycle:
        return standing
    return Standing(
        cycles={**standing.cycles, decided.actor: decided.cycle},
        reasons=(*standing.reasons, f"{decided.actor}: {decided.reason or 'no reason given'}")[-REASONS_MAX:],
        rejected=decided.response is Response.REJECTED,
    )


def fold_all(
    events: Iterable[PullRequestDecided], before: Mapping[tuple[str, int], Standing] | None = None
) -> dict[tuple[str, int], Standing]:
    """Say where all pull requests stand that anything has to be known of."""
    found = dict(before or {})
    for one in events:
        place = (one.repository, one.number)
        after = fold(found.pop(place, Standing()), one)
        if after is not None and (after.cycles or after.rejected):
            found[place] = after
    return found


def _arrived(event: PullRequestEvent, rules: ReviewRules) -> PullRequestDecided:
    found = _ISSUE.search(event.title)
    if found is None:
        return _decided(event, Response.IGNORED, "no issue id (ISSUE-…) in the title")
    if not rules.run_target:
        return _decided(event, Response.IGNORED, "no target is set whose issues may be run")
    run = Effect(kind=EffectKind.START_RUN, target=rules.run_target, card=found[0])
    return _decided(event, Response.RUN_REQUESTED, f"{found[0]} of {rules.run_target}", effects=(run,))


def _reviewed(event: PullRequestEvent, standing: Standing, rules: ReviewRules) -> PullRequestDecided:
    if event.actor == event.author:
        return _decided(event, Response.IGNORED, "an author's verdict about the own work does not count")
    if rules.reviewers and event.actor not in rules.reviewers:
        return _decided(event, Response.IGNORED, "not one of the reviewers whose verdicts count")
    if standing.rejected or not event.is_open:
        return _decided(event, Response.IGNORED, "the pull request is closed")
    if event.happening is Happening.APPROVED:
        return _approved(event, rules)
    return _wanted(event, standing, rules)


def _approved(event: PullRequestEvent, rules: ReviewRules) -> PullRequestDecided:
    if not (rules.merge and event.actor in rules.reviewers):
        return _decided(event, Response.APPROVED, "merging is left to people")
    return _decided(event, Response.MERGING, effects=(Effect(kind=EffectKind.MERGE),))


def _wanted(event: PullRequestEvent, standing: Standing, rules: ReviewRules) -> PullRequestDecided:
    cycle = standing.cycles.get(event.actor, 0) + 1
    count = f"change request {cycle} of {rules.cycles_max} by {event.actor}"
    if cycle >= rules.cycles_max:
        return _decided(event, Response.REJECTED, count, cycle, _closing(event, standing, rules, cycle))
    if cycle >= rules.escalation_cycle:
        asked = f"@{rules.lead}: this is {count}. Please look at the approach before the next attempt."
        comment = Effect(kind=EffectKind.COMMENT, text=asked)
        return _decided(event, Response.ESCALATED, count, cycle, (comment,))
    return _decided(event, Response.CHANGES_REQUESTED, count, cycle)


def _closing(
    event: PullRequestEvent, standing: Standing, rules: ReviewRules, cycle: int
) -> tuple[Effect, ...]:
    last = f"{event.actor}: {_cut(event.reason) or 'no reason given'}"
    reasons = "\n".join(f"- {one}" for one in (*standing.reasons, last)[-REASONS_MAX:])
    told = f"Closed after {cycle} change requests by {event.actor}: its requirements are looked at first."
    about = (
        f"Pull request #{event.number} was closed after {cycle} change requests.\n\nThe reasons:\n\n{reasons}"
    )
    title = f"Requirements Review: {event.title[:TITLE_CHARS_MAX] or f'#{event.number}'}"
    return (
        Effect(kind=EffectKind.COMMENT, text=told),
        Effect(kind=EffectKind.CLOSE),
        Effect(kind=EffectKind.OPEN_ISSUE, title=title, text=about),
    )


def _decided(
    event: PullRequestEvent,
    response: Response,
    detail: str = "",
    cycle: int = 0,
    effects: tuple[Effect, ...] = (),
) -> PullRequestDecided:
    return PullRequestDecided(
        delivery_id=event.delivery_id,
        repository=event.repository,
        number=event.number,
        happening=event.happening,
        actor=event.actor,
        response=response,
        detail=detail,
        cycle=cycle,
        reason=_cut(event.reason),
        effects=effects,
    )


def _cut(reason: str) -> str:
    return reason if len(reason) <= REASON_CHARS_MAX else f"{reason[:REASON_CHARS_MAX]}…"


class Forge(Protocol):
    """Where pull requests live."""

    async def perform(self, call: ForgeCall) -> str:
        """Carry out an effect and say in a few words what became of it.

        Raises:
            ForgeError: It was refused, or nobody answered and it may have been heard.
        """
        ...
