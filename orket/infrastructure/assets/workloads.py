"""The workload source over files: an epic, a rock, an issue file, an asset's name or an issue's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import anyio.to_thread
import attrs

from orket.domain.assets import Epic, Organization, Workload
from orket.domain.cards import Card, CardType
from orket.domain.errors import AssetError, CardNotFound
from orket.domain.identifiers import CardId, sanitise
from orket.domain.mcp import McpServer
from orket.infrastructure.assets.cards import Register, check_type, top_card
from orket.infrastructure.assets.documents import Document, pointer_to
from orket.infrastructure.assets.environments import read_dialects
from orket.infrastructure.assets.epics import (
    ISSUE_LISTS,
    read_epic,
    read_single,
)
from orket.infrastructure.assets.looks import Known
from orket.infrastructure.assets.organization import read_mcp_servers, read_organization
from orket.infrastructure.assets.places import CATEGORIES, LoaderNode, Places, check_name, home_of
from orket.infrastructure.assets.shapes import EntryShape, JsonObject, RockShape, shape
from orket.infrastructure.assets.teams import Roster

EPICS_MAX = 200


@attrs.frozen(kw_only=True)
class _Found:
    """A target that was found: its file, what it is, and one issue of it when that was named."""

    category: str
    document: Document
    department: str = ""
    only: CardId | None = None


class FileWorkloads:
    """Reads workloads from a model directory, and from wherever a named file lies.

    Args:
        model_dir: The model directory, ``model`` by habit; ``config`` is looked for beside it.
        loader_node: The selected ``loader_strategy_node``.
        cwd: Where relative paths start.
        environ: The settings' view of the environment, for ``ORKET_ORG_NAME`` and ``ORKET_ORG_VISION``.
        known: Remembers what was read last.
    """

    def __init__(
        self,
        model_dir: Path,
        loader_node: LoaderNode,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        known: Known | None = None,
    ) -> None:
        self._places = Places(cwd=cwd, model_dir=cwd / model_dir, node=loader_node)
        self._environ = environ or {}
        self._known = known or Known()

    async def load(self, target: str, *, only: CardId | None = None) -> Workload:
        """Read and validate everything that ``target`` needs, in a worker thread.

        As long as no file has changed that was looked at, it is what was read before.

        Args:
            target: A path (it ends in ``.json`` or has a ``/``), the name of an epic or rock, or a card id.
            only: One issue to restrict the run to; of a rock, the epic that has it is taken alone.

        Raises:
            AssetError: Naming file, JSON pointer and reason; nothing was started.
            CardNotFound: No such asset, or no issue ``only`` in it.
            DependencyCycle: The issues wait for each other.
        """
        read = partial(self._load, target, only)
        return await anyio.to_thread.run_sync(self._known.load, (target, only), read, abandon_on_cancel=True)

    async def organization(self) -> Organization:
        """Read the organization of the model directory, in a worker thread.

        Raises:
            AssetError: A file that exists is invalid.
        """
        return await anyio.to_thread.run_sync(read_organization, self._places, self._environ)

    async def mcp_servers(self) -> tuple[McpServer, ...]:
        """Read which MCP servers the organization of the model directory declares, in a worker thread.

        Raises:
            AssetError: A file that exists is invalid.
        """
        return await anyio.to_thread.run_sync(read_mcp_servers, self._places)

    def _load(self, target: str, only: CardId | None) -> Workload:
        found = self._find(target)
        home = home_of(found.document.path)
        owner = _word(found.document.value, "owner_department") or found.department or "core"
        places = attrs.evolve(self._places, homes=(home,), own_department=owner)
        organization = read_organization(places, self._environ)
        department = found.department or owner
        roster, register = Roster(), Register()
        rock: Card | None = None
        match found.category:
            case "rocks":
                rock, epics = self._rock(found.document, places, department, roster, register)
            case "issues":
                epics = (read_single(found.document, places, department, roster),)
            case _:
                epics = (read_epic(found.document, places, department, roster, register),)
        workload = Workload(
            target=target,
            organization=organization,
            epics=epics,
            roles=tuple(roster.roles.values()),
            dialects=read_dialects(places, department),
            rock=rock,
        )
        return _restricted(workload, found, only)

    def _rock(
        self, document: Document, places: Places, department: str, roster: Roster, register: Register
    ) -> tuple[Card, tuple[Epic, ...]]:
        told = shape(document, "", document.value, RockShape)
        check_type(document, told.type, ("rock",))
        build = f"rock-build-{sanitise(document.path.stem)}"
        card = top_card(document, told, CardType.ROCK, register, build=build)
        if not 0 < len(told.epics) <= EPICS_MAX:
            raise document.error("/epics", f"a rock has 1 to {EPICS_MAX} epics, not {len(told.epics)}")
        epics: dict[Path, Epic] = {}
        for index, value in enumerate(told.epics):
            pointer = pointer_to("epics", index)
            entry = shape(document, pointer, value, EntryShape)
            where = entry.department or department
            check_name(document, f"{pointer}/department" if entry.department else pointer, where)
            epic = places.require(document, f"{pointer}/epic", "epics", entry.epic, where)
            if epic.path in epics:
                raise document.error(
                    f"{pointer}/epic", f"the epic {entry.epic!r} is already part of this rock"
                )
            epics[epic.path] = read_epic(epic, places, where, roster, register, card.id)
        return card, tuple(epics.values())

    def _find(self, target: str) -> _Found:
        if target.endswith(".json") or "/" in target:
            path = self._places.cwd / target
            document = self._places.read("", path)
            return _Found(category=_category(document), document=document)
        departments = tuple(
            dict.fromkeys((*read_organization(self._places, self._environ).departments, "core"))
        )
        return self._by_name(target, departments) or self._by_id(target, departments)

    def _by_name(self, target: str, departments: tuple[str, ...]) -> _Found | None:
        for category in CATEGORIES:
            for department in departments:
                files = self._places.files(category, department)
                if (path := files.get(target)) is not None:
                    document = self._places.read(category, path)
                    return _Found(category=category, document=document, department=department)
        return None

    def _by_id(self, target: str, departments: tuple[str, ...]) -> _Found:
        """Search all cards; a file that cannot be read counts only when the id is nowhere else."""
        found: dict[Path, _Found] = {}
        broken: list[AssetError] = []
        for category in CATEGORIES:
            for department in departments:
                for path in self._places.files(category, department).values():
                    try:
                        document = self._places.read(category, path)
                    except AssetError as error:
                        broken.append(error)
                        continue
                    if (hit := _hit(category, document, department, target)) is not None:
                        found.setdefault(path, hit)
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            files = ", ".join(one.document.file for one in found.values())
            raise AssetError(files, "", f"the id {target!r} is in more than one file: name the file")
        if broken:
            raise broken[0]
        raise CardNotFound(_nowhere(self._places, target, departments))


def _hit(category: str, document: Document, department: str, target: str) -> _Found | None:
    """See whether a document is, or contains, the card with this id."""
    if _word(document.value, "id") == target:
        return _Found(category=category, document=document, department=department)
    if any(_word(one, "id") == target for one in _issues(document.value)):
        return _Found(category=category, document=document, department=department, only=CardId(target))
    return None


def _issues(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for key in ISSUE_LISTS:
            listed = value.get(key)
            yield from listed if isinstance(listed, list) else ()


def _word(value: object, key: str) -> str | None:
    told = value.get(key) if isinstance(value, dict) else None
    return told if isinstance(told, str) else None


def _category(document: Document) -> str:
    """Tell what a named file is: by its type, then by its folder, then by what it holds."""
    kind = _word(document.value, "type")
    if kind in ("rock", "epic", "issue"):
        return f"{kind}s"
    if document.path.parent.name in CATEGORIES:
        return document.path.parent.name
    value: JsonObject = document.value if isinstance(document.value, dict) else {}
    if "epics" in value:
        return "rocks"
    return "issues" if "seat" in value else "epics"


def _restricted(workload: Workload, found: _Found, only: CardId | None) -> Workload:
    """Restrict a workload to one issue, asked for by argument or by the id that named the target."""
    wanted = only or found.only
    if found.only is not None and only not in (None, found.only):
        raise CardNotFound(f"{only} is not the issue {found.only} that was named")
    if wanted is None:
        return workload
    for epic in workload.epics:
        if any(one.id == wanted for one in epic.issues):
            return attrs.evolve(workload, epics=(epic,), rock=None, only=wanted)
    there = ", ".join(one.id for epic in workload.epics for one in epic.issues[:10])
    raise CardNotFound(f"{found.document.file} has no issue {wanted}; it has: {there}")


def _nowhere(places: Places, target: str, departments: tuple[str, ...]) -> str:
    names = {name for one in departments for kind in CATEGORIES for name in places.files(kind, one)}
    there = ", ".join(sorted(names)[:20]) or "none"
    return f"no epic, rock or issue {target!r} in {places.shown(places.model_dir)}; there are: {there}"
