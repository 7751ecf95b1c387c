"""Following a run: its events, folded and shown, until nothing more happens by itself."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio

from orket.domain.events import Recorded
from orket.domain.runs import RunStatus
from orket.interfaces.cli.reach import Pieces
from orket.interfaces.cli.shows import Show
from orket.interfaces.cli.watch import Watch

_TICK_S = 0.125
# A pause is on the ledger first; receipts of what it ended, or the end of a cancel, come right after it.
_GRACE_S = 0.5

Events = AbstractAsyncContextManager[AsyncIterator[Recorded]]


async def follow(
    events: Events,
    watch: Watch,
    show: Show,
    *,
    shown_after: int = 0,
    settles_from: int = 0,
    pieces: Pieces | None = None,
) -> None:
    """Fold and show events until the run has ended, is paused, or waits for a person.

    Args:
        events: The run's events from the first on; followed no further than their end.
        watch: Folds them; it is current when this returns.
        show: Shows them.
        shown_after: Sequence number up to which they are folded only.
        settles_from: Sequence number below which the run's standing is history and nothing ends.
        pieces: What its models are writing, to be shown as well.
    """
    async with anyio.create_task_group() as tasks, events as stream:
        tasks.start_soon(_keep_ticking, watch, show)
        if pieces is not None:
            tasks.start_soon(_show_pieces, pieces, watch, show)
        with anyio.CancelScope() as patience:
            async for recorded in stream:
                if watch.apply(recorded) and recorded.seq > shown_after:
                    show.event(recorded, watch)
                settled = watch.is_settled and recorded.seq >= settles_from
                if settled and watch.state.status is not RunStatus.PAUSED:
                    break
                patience.deadline = anyio.current_time() + _GRACE_S if settled else math.inf
        tasks.cancel_scope.cancel()
    show.tick(watch)


async def _show_pieces(pieces: Pieces, watch: Watch, show: Show) -> None:
    async with pieces as stream:
        async for piece in stream:
            show.piece(piece, watch)


async def _keep_ticking(watch: Watch, show: Show) -> None:
    while True:
        show.tick(watch)
        await anyio.sleep(_TICK_S)
