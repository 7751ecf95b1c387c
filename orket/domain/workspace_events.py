"""What happens between the workspace of a run and the project that it is a view of."""

from __future__ import annotations

import attrs

from orket.domain.identifiers import BlobId


@attrs.frozen(kw_only=True)
class WorkspaceApplying:
    """The run's changes, listed in the file of SHA-256 ``plan``, are about to be written into ``project``."""

    number: int
    project: str
    plan: str
    added: int
    changed: int
    removed: int
    by: str


@attrs.frozen(kw_only=True)
class WorkspaceApplied:
    """All changes of application ``number`` are in the project."""

    number: int


@attrs.frozen(kw_only=True)
class WorkspaceRollingBack:
    """What application ``number`` has written is about to be taken back."""

    number: int
    by: str


@attrs.frozen(kw_only=True)
class WorkspaceRolledBack:
    """The project is as it was before application ``number``, as far as that had changed it."""

    number: int


@attrs.frozen(kw_only=True)
class WorkspaceDiscarded:
    """The run's workspace is about to be deleted; what was applied can still be rolled back."""

    by: str


@attrs.frozen(kw_only=True)
class WorkspaceFileSaving:
    """A person's file is about to be written into the run's workspace.

    ``content`` names the blob; ``replaces`` is the SHA-256 of what is there, empty for nothing.
    """

    path: str
    content: BlobId
    size_bytes: int
    replaces: str
    by: str


@attrs.frozen(kw_only=True)
class WorkspaceFileSaved:
    """The file is in the workspace, whole."""

    path: str
    content: BlobId


WorkspaceEvent = (
    WorkspaceApplying
    | WorkspaceApplied
    | WorkspaceRollingBack
    | WorkspaceRolledBack
    | WorkspaceDiscarded
    | WorkspaceFileSaving
    | WorkspaceFileSaved
)
