"""``orket archive | restore``: cards of a run that has ended, out of sight and back."""

from __future__ import annotations

import anyio
import attrs

from orket.domain.identifiers import CardId
from orket.interfaces.cli.engines import reach_engine, reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.session import person
from orket.interfaces.cli.wording import printable
from orket.orchestration.messages import ArchiveCards


def archive(run: str, /, *cards: str, reason: str = "", where: Where = HERE) -> int:
    """Archive cards of a run that has ended: lists leave them out, the ledger keeps all they were.

    Args:
        run: The run's id, or the beginning of it.
        cards: Which; without any, all that are done or canceled.
        reason: Why, for the record.
    """
    return anyio.run(_move, where, run, cards, reason, False)


def restore(run: str, /, *cards: str, reason: str = "", where: Where = HERE) -> int:
    """Bring archived cards back to where they were.

    Args:
        run: The run's id, or the beginning of it.
        cards: Which; without any, all that were archived since the run began.
        reason: Why, for the record.
    """
    return anyio.run(_move, where, run, cards, reason, True)


async def _move(where: Where, name: str, cards: tuple[str, ...], reason: str, restore: bool) -> Exit:
    out, settings = Out(), where.settings()
    async with reach_ledger(settings) as reach:  # where there is no database, none is made
        known = await find_run(reach, name)
    # Whoever tidies up does not mean to drive runs.
    async with reach_engine(attrs.evolve(settings, take_up=False)) as control:
        command = ArchiveCards(
            run_id=known.run_id,
            by=person(),
            cards=tuple(map(CardId, cards)),
            restore=restore,
            reason=reason,
        )
        await control.command(command)
    done = "restored" if restore else "archived"
    what = ", ".join(map(printable, dict.fromkeys(cards))) or "all that can be"
    out.line(f"run {known.run_id}: {done} {what}")
    return Exit.DONE
