"""A workload is not read again while nothing has changed that was looked at; any change is seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orket.decision_nodes.loader_strategy import DefaultLoaderStrategy
from orket.domain.assets import Workload
from orket.domain.errors import AssetError
from orket.infrastructure.assets.looks import WORKLOADS_MAX, Known
from orket.infrastructure.assets.workloads import FileWorkloads
from tests.orket.infrastructure.assets.desk import ENVIRONMENT, ROLE, TEAM, Shelf, epic, issue

pytestmark = pytest.mark.anyio


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path)
    made.write("epics/work.json", epic(issue("A")))
    return made


@pytest.fixture
def source(shelf: Shelf) -> FileWorkloads:
    known = Known(settled_s=0.0)
    return FileWorkloads(Path("model"), DefaultLoaderStrategy(), shelf.root, known=known)


async def settled(source: FileWorkloads, target: str) -> Workload:
    """Load until it is kept: what was written just now may still be too new for that."""
    first = await source.load(target)
    while (again := await source.load(target)) is not first:
        first = again
    return first


def replaced(path: Path, content: bytes) -> None:
    """Put another file in a file's place, of the same size and with the same time."""
    before = path.stat()
    other = path.with_suffix(".other")
    other.write_bytes(content.ljust(before.st_size))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


async def test_nothing_has_changed(source: FileWorkloads) -> None:
    found = await settled(source, "work")
    assert await source.load("work") is found


CHANGES: dict[str, Callable[[Shelf], object]] = {
    "epic": lambda shelf: shelf.write("epics/work.json", epic(issue("A"), issue("B"))),
    "role": lambda shelf: shelf.write("roles/builder_role.json", {**ROLE, "description": "another one"}),
    "team": lambda shelf: shelf.write("teams/pair.json", {**TEAM, "name": "another pair"}),
    "environment": lambda shelf: shelf.write("environments/local.json", {**ENVIRONMENT, "temperature": 0.5}),
    "house": lambda shelf: shelf.write("organization.json", {"name": "House"}, below=shelf.home.parent),
    "settings": lambda shelf: shelf.write("org_info.json", {"name": "House"}, below=shelf.root / "config"),
    "size and time": lambda shelf: replaced(
        shelf.home / "epics" / "work.json", b'{"id":"E","team":"pair","environment":"local","issues":[]}'
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_seen(shelf: Shelf, source: FileWorkloads, change: str) -> None:
    before = await settled(source, "work")
    CHANGES[change](shelf)
    try:
        found = await source.load("work")
    except AssetError:
        with pytest.raises(AssetError):
            await shelf.load("work")
    else:
        assert found is not before
        assert found == await shelf.load("work")


async def test_what_goes_and_comes_back(shelf: Shelf, source: FileWorkloads) -> None:
    before = await settled(source, "work")
    role = shelf.home / "roles" / "builder_role.json"
    content = role.read_bytes()
    role.unlink()
    with pytest.raises(AssetError):
        await source.load("work")
    role.write_bytes(content)
    assert await source.load("work") == before


async def test_a_link_that_leads_elsewhere_is_seen(shelf: Shelf, source: FileWorkloads) -> None:
    before = await settled(source, "work")
    work, other = shelf.home / "epics" / "work.json", shelf.home / "other.json"
    other.write_bytes(work.read_bytes().replace(b"Write A", b"Write Z"))
    link = work.with_suffix(".link")
    link.symlink_to(other)
    link.replace(work)
    found = await source.load("work")
    assert found != before
    assert found == await shelf.load("work")


async def test_what_was_written_a_moment_ago_is_not_kept(shelf: Shelf) -> None:
    source = FileWorkloads(Path("model"), DefaultLoaderStrategy(), shelf.root)
    first = await source.load("work")
    assert (await source.load("work")) is not first


async def test_few_are_kept(shelf: Shelf, source: FileWorkloads) -> None:
    first = await settled(source, "work")
    for number in range(WORKLOADS_MAX):
        shelf.write(f"epics/work{number}.json", epic(issue("A")))
        await settled(source, f"work{number}")
    again = await source.load("work")
    assert again is not first
    assert again == first
