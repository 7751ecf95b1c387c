"""Teams and the roles that sit on their seats."""

from __future__ import annotations

import attrs

from orket.domain.assets import Role, Seat, Team
from orket.domain.errors import AssetError
from orket.domain.identifiers import sanitise
from orket.infrastructure.assets.documents import Document, pointer_to
from orket.infrastructure.assets.places import Places, check_name
from orket.infrastructure.assets.shapes import (
    CapabilitiesShape,
    JsonObject,
    RoleShape,
    SeatShape,
    TeamShape,
    shape,
)


@attrs.define
class Roster:
    """The roles that were read so far, each under one meaning."""

    roles: dict[str, Role] = attrs.field(factory=dict)
    _told_in: dict[str, str] = attrs.field(factory=dict)

    def add(self, document: Document, pointer: str, role: Role) -> None:
        """Add a role that was read.

        Raises:
            AssetError: Another team of the same rock means something else by that name.
        """
        known = self.roles.setdefault(role.name, role)
        place = self._told_in.setdefault(role.name, document.file)
        if known != role:
            reason = f"the role {role.name!r} is another one than in {place}: name one of them differently"
            raise AssetError(document.file, pointer, reason)


def read_team(document: Document, places: Places, department: str, roster: Roster) -> Team:
    """Read a team and all roles of its seats; a role without a file is looked up in the team itself.

    Raises:
        AssetError: The team or a role is invalid, or a role exists nowhere.
    """
    told = shape(document, "", document.value, TeamShape)
    if not told.seats:
        raise document.error("/seats", "a team has at least one seat")
    seats = []
    for key, value in told.seats.items():
        pointer = pointer_to("seats", key)
        check_name(document, pointer, key)
        seat = shape(document, pointer, value, SeatShape)
        if not seat.roles:
            raise document.error(f"{pointer}/roles", "a seat has at least one role")
        for index, name in enumerate(seat.roles):
            _read_role(document, pointer + pointer_to("roles", index), name, told, places, department, roster)
        seats.append(Seat(key=key, name=seat.name or key, roles=tuple(dict.fromkeys(seat.roles))))
    return Team(name=told.name or document.path.stem, description=told.description or "", seats=tuple(seats))


def seat_of(team: Team, name: str) -> Seat | None:
    """Find a seat by key; ``Lead Dev``, ``lead-dev`` and ``LEAD DEV`` name the same one."""
    plain = sanitise(name)
    return team.seat(name) or next((one for one in team.seats if sanitise(one.key) == plain), None)


def _read_role(
    team: Document,
    pointer: str,
    name: str,
    told: TeamShape,
    places: Places,
    department: str,
    roster: Roster,
) -> None:
    check_name(team, pointer, name)
    if (path := places.find("roles", name, department)) is not None:
        document = places.read("roles", path)
        roster.add(document, "", _role(document, "", name, document.value))
    elif name in (inline := told.roles or {}):
        where = pointer_to("roles", name)
        roster.add(team, where, _role(team, where, name, inline[name]))
    else:
        reason = places.missing("roles", name, department)
        raise team.error(pointer, f"{reason}; nor does the team define it under 'roles'")


def _role(document: Document, pointer: str, name: str, value: object) -> Role:
    """Make a role; it is called as seats call it, whatever title its file has."""
    told = shape(document, pointer, value, RoleShape)
    kinds = _issue_types(document, f"{pointer}/capabilities", told.capabilities)
    return Role(
        name=name,
        description=told.description or "",
        prompt=told.prompt or "",
        intent=told.intent or "",
        responsibilities=tuple(told.responsibilities or ()),
        constraints=tuple(told.constraints or ()),
        tools=tuple(dict.fromkeys(told.tools or ())),
        **({} if kinds is None else {"issue_types": kinds}),
    )


def _issue_types(document: Document, pointer: str, value: JsonObject | None) -> tuple[str, ...] | None:
    kinds = shape(document, pointer, value or {}, CapabilitiesShape).issue_types
    return None if kinds is None else tuple(kinds)
