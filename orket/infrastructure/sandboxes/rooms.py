"""What a sandbox's commands work in: the workspace itself, a copy of a project, or an overlay over it."""

from __future__ import annotations

import anyio.to_thread
import attrs

from orket.domain.errors import SandboxUnavailable
from orket.domain.sandboxes import SandboxSpec
from orket.infrastructure.sandboxes.serving import ANOTHER, SAME
from orket.infrastructure.sandboxes.warm import Warm
from orket.infrastructure.workspaces.opening import begin, lay_out, settle
from orket.infrastructure.workspaces.state import state_of


@attrs.frozen
class Room:
    """A warm launcher, what it shows, and how an isolated workspace is kept (empty: it is not isolated)."""

    warm: Warm
    level: str = ""
    overlaid: bool = False


async def open_room(spec: SandboxSpec, *, as_another: bool, may_overlay: bool = True) -> Room:
    """Make the workspace ready.

    Args:
        spec: What the run wants.
        as_another: Whether commands that root starts run as a user of their own.
        may_overlay: Whether commands can be shown what only the launcher's mount namespace holds.

    Raises:
        SandboxUnavailable: The project cannot be shown, nor copied.
    """
    if (isolation := spec.isolation) is None:
        return Room(Warm(mapped=as_another))
    workspace, why = spec.workspace, ""
    run = anyio.to_thread.run_sync
    try:
        base = await run(begin, workspace, isolation)
        if may_overlay and await run(lay_out, workspace, base):
            whose = ANOTHER if as_another else SAME
            warm = Warm((isolation.project, state_of(workspace), workspace, whose), mapped=as_another)
            try:
                await warm.show()
            except OSError as error:
                why = error.strerror or str(error)
                await warm.close()
            else:
                await run(lambda: settle(workspace, base, overlaid=True))
                return Room(warm, level=base.level, overlaid=True)
        await run(lambda: settle(workspace, base, overlaid=False, why=why))
    except OSError as error:
        raise SandboxUnavailable(
            f"workspace {workspace!r} cannot be prepared: {error}", remedy="make room, or name another folder"
        ) from error
    return Room(Warm(mapped=as_another), level=base.level)
