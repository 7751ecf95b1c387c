"""Epics and their issues: from the file's words to cards."""

from __future__ import annotations

from pathlib import Path

import attrs

from orket.domain.assets import Environment, Epic, Team
from orket.domain.cards import FINAL, Card, CardStatus, CardType
from orket.domain.errors import DependencyCycle
from orket.domain.graph import find_cycle
from orket.domain.identifiers import CardId, sanitise
from orket.infrastructure.assets.cards import (
    Register,
    card_name,
    check_type,
    make_card,
    read_status,
    top_card,
)
from orket.infrastructure.assets.documents import Document, pointer_to
from orket.infrastructure.assets.environments import read_environment
from orket.infrastructure.assets.fixtures import read_verification
from orket.infrastructure.assets.places import Places, home_of
from orket.infrastructure.assets.shapes import (
    EpicShape,
    GovernanceShape,
    IssueShape,
    JsonObject,
    shape,
)
from orket.infrastructure.assets.teams import Roster, read_team, seat_of

ISSUES_MAX = 10_000
ISSUE_LISTS = ("issues", "stories", "cards", "tracs")
# Words older files use for the type of an issue; the word stays with the card as a label.
ISSUE_WORDS = ("issue", "story", "bug", "task")
STARTABLE = frozenset({CardStatus.READY}) | FINAL


@attrs.frozen(kw_only=True)
class Crew:
    """Who works on an epic's issues, and where their files are."""

    team: Team
    environment: Environment
    home: Path


def read_epic(
    document: Document,
    places: Places,
    department: str,
    roster: Roster,
    register: Register,
    rock: CardId | None = None,
) -> Epic:
    """Read an epic with team, environment, issues and fixtures.

    Raises:
        AssetError: Anything is invalid.
        DependencyCycle: Issues wait for each other.
    """
    told = shape(document, "", document.value, EpicShape)
    check_type(document, told.type, ("epic",))
    stem = sanitise(document.path.stem)
    card = top_card(document, told, CardType.EPIC, register, parent=rock, build=f"build-{stem}")
    crew = read_crew(document, told.team, told.environment, places, department, roster)
    key, listed = issue_list(document, told)
    issues = tuple(
        _issue(document, pointer_to(key, index), value, crew, register, card, f"{stem}-{index + 1}")
        for index, value in enumerate(listed)
    )
    _check_dependencies(document, [pointer_to(key, index) for index in range(len(listed))], issues)
    return Epic(
        card=card,
        team=crew.team,
        environment=crew.environment,
        issues=issues,
        idesign=read_governance(document, told.architecture_governance),
    )


def read_single(document: Document, places: Places, department: str, roster: Roster) -> Epic:
    """Read an issue that is a file of its own, naming its team and environment: an epic of one issue.

    Raises:
        AssetError: Anything is invalid, dependencies included, for there is nothing to depend on.
    """
    told = shape(document, "", document.value, IssueShape)
    for key, value in (("team", told.team), ("environment", told.environment)):
        if value is None:
            raise document.error(
                "", f"an issue in a file of its own needs {key!r}; or run the epic that has it"
            )
    stem = sanitise(document.path.stem)
    register = Register()
    epic = Card(
        id=register.add(document, "", f"epic-{stem}"),
        type=CardType.EPIC,
        name=card_name(document, "", told),
        build_id=told.build_id or f"build-{stem}",
    )
    crew = read_crew(document, told.team or "", told.environment or "", places, department, roster)
    issue = _issue(document, "", document.value, crew, register, epic, stem)
    _check_dependencies(document, [""], (issue,))
    idesign = read_governance(document, told.architecture_governance)
    return Epic(card=epic, team=crew.team, environment=crew.environment, issues=(issue,), idesign=idesign)


def read_crew(
    document: Document, team: str, environment: str, places: Places, department: str, roster: Roster
) -> Crew:
    """Read the team and the environment that a document names.

    Raises:
        AssetError: One of them is missing or invalid.
    """
    found = places.require(document, "/team", "teams", team, department)
    around = places.require(document, "/environment", "environments", environment, department)
    return Crew(
        team=read_team(found, places, department, roster),
        environment=read_environment(around),
        home=home_of(document.path),
    )


def issue_list(document: Document, told: EpicShape) -> tuple[str, list[object]]:
    """Find the one list of issues under any of its four names.

    Raises:
        AssetError: There is none, it is empty or too long, or there are two.
    """
    lists = [(key, value) for key in ISSUE_LISTS if (value := getattr(told, key)) is not None]
    if not lists:
        raise document.error("", f"an epic needs a list of issues: {', '.join(ISSUE_LISTS)}")
    if len(lists) > 1:
        raise document.error(pointer_to(lists[1][0]), f"the issues are already listed under {lists[0][0]!r}")
    key, listed = lists[0]
    if not 0 < len(listed) <= ISSUES_MAX:
        raise document.error(pointer_to(key), f"an epic has 1 to {ISSUES_MAX} issues, not {len(listed)}")
    return key, listed


def read_governance(document: Document, value: JsonObject | None) -> bool:
    """Whether an epic is held to the iDesign rules; it is unless it says otherwise."""
    return shape(document, "/architecture_governance", value or {}, GovernanceShape).idesign


def _issue(
    document: Document,
    pointer: str,
    value: object,
    crew: Crew,
    register: Register,
    epic: Card,
    unnamed: str,
) -> Card:
    told = shape(document, pointer, value, IssueShape)
    check_type(document, told.type, ISSUE_WORDS, pointer)
    status = read_status(document, pointer, told.status)
    if status not in STARTABLE:
        reason = f"a run cannot start from {status.value!r}: an issue is ready, or done, canceled or archived"
        raise document.error(f"{pointer}/status", reason)
    seat = seat_of(crew.team, told.seat)
    if seat is None:
        there = ", ".join(one.key for one in crew.team.seats)
        at = f"{pointer}/seat" if isinstance(value, dict) and "seat" in value else pointer
        raise document.error(at, f"the team {crew.team.name!r} has no seat {told.seat!r}; it has: {there}")
    for key, number in (("retry_count", told.retry_count), ("max_retries", told.max_retries)):
        if not 0 <= number <= ISSUES_MAX:
            raise document.error(f"{pointer}/{key}", f"must be 0 to {ISSUES_MAX}")
    word = () if told.type in (None, "issue") else (str(told.type),)
    card = make_card(
        document,
        pointer,
        told,
        id=register.add(
            document,
            f"{pointer}/id" if told.id is not None else pointer,
            unnamed if told.id is None else told.id,
        ),
        type=CardType.ISSUE,
        parent_id=epic.id,
        build_id=epic.build_id,
    )
    return attrs.evolve(
        card,
        status=status,
        seat=seat.key,
        assignee=told.assignee or "",
        sprint=told.sprint or "",
        labels=tuple(dict.fromkeys((*word, *card.labels))),
        depends_on=tuple(CardId(one) for one in dict.fromkeys(told.depends_on or ())),
        retry_count=told.retry_count,
        max_retries=told.max_retries,
        verification=read_verification(document, f"{pointer}/verification", told.verification, crew.home),
    )


def _check_dependencies(document: Document, pointers: list[str], issues: tuple[Card, ...]) -> None:
    known = {one.id: None for one in issues}
    for pointer, one in zip(pointers, issues, strict=True):
        for needed in one.depends_on:
            if needed not in known:
                others = [other for other in known if other != one.id][:10]
                reason = f"{one.id} depends on {needed!r}, which is no issue of the same epic"
                there = f"; others are: {', '.join(others)}" if others else ""
                raise document.error(f"{pointer}/depends_on", reason + there)
    if (circle := find_cycle(issues)) is not None:
        raise DependencyCycle(circle, where=document.file)
