"""What a run changed in its workspace, on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orket.domain.workspaces import Change, Changes, Entry, Kind


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """What lies at a path."""

    kind: Kind
    mode: Annotated[str, Meta(description="Permissions in octal digits, of a file or folder.")]
    size_bytes: Annotated[int | UnsetType, Meta(description="Of a file.")] = UNSET
    sha256: Annotated[str | UnsetType, Meta(description="Of a file, in hexadecimal digits.")] = UNSET
    target: Annotated[str | UnsetType, Meta(description="Where a link leads.")] = UNSET


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A path at which the run's workspace differs from the project."""

    path: str
    change: Literal["added", "removed", "changed", "mode", "kind"]
    before: Annotated[EntryView | None, Meta(description="In the project; null: nothing is there.")]
    after: Annotated[EntryView | None, Meta(description="In the workspace; null: nothing is there.")]
    clash: Annotated[str, Meta(description="What hinders it from being applied; empty: nothing does.")]


class ChangesView(msgspec.Struct, frozen=True, kw_only=True):
    """What a run changed, beside its project as it is now."""

    run: str
    project: Annotated[str, Meta(description="Empty for a run that works on no view of a project.")]
    level: Annotated[str, Meta(description="How the workspace is kept apart.")]
    changes: Annotated[tuple[ChangeView, ...], Meta(description="Sorted by path.")]


def changes_view(run_id: str, found: Changes, shown: Iterable[Change]) -> ChangesView:
    """Write the shown ones of a run's changes down."""
    return ChangesView(
        run=run_id, project=_plain(found.project), level=found.level, changes=tuple(map(_change, shown))
    )


def _change(one: Change) -> ChangeView:
    return ChangeView(
        path=_plain(one.path),
        change=one.word,  # type: ignore[arg-type]  # one of the five, by its own account
        before=_entry(one.before),
        after=_entry(one.after),
        clash=one.clash,
    )


def _entry(entry: Entry | None) -> EntryView | None:
    if entry is None:
        return None
    is_file, is_link = entry.kind is Kind.FILE, entry.kind is Kind.LINK
    return EntryView(
        kind=entry.kind,
        mode=f"{entry.mode:03o}",
        size_bytes=entry.size_bytes if is_file else UNSET,
        sha256=entry.content if is_file else UNSET,
        target=_plain(entry.content) if is_link else UNSET,
    )


def _plain(name: str) -> str:
    """Replace what is no UTF-8 in a name: JSON has no sign for it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
