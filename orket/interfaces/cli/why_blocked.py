"""``orket why-blocked [RUN] [CARD]``: why cards do not move, and what would free most."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import anyio
import attrs

from orket.domain.assets import Organization
from orket.domain.card_account import CardStory
from orket.domain.diagnosis import Blockage, Cause, Chain, Diagnosis, Root, diagnose
from orket.domain.identifiers import CardId
from orket.domain.runs import RunState
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.names import find_run, newest_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.replay import history
from orket.interfaces.cli.wording import command_line, counted, duration, printable
from orket.wire import codec

_NAMED_MAX = 8
_CHARS_MAX = 200
_FREEING = {
    Cause.PERSON: "decide about its call",
    Cause.BLOCKED: "settle what it waits for",
    Cause.CANCELED: "drop the dependency, or run it in a new run",
    Cause.UNKNOWN: "mend depends_on in the card file",
    Cause.AT_WORK: "nothing to do: it is being worked on",
    Cause.QUEUED: "nothing to do: it has its turn when there is room",
    Cause.CIRCLE: "break the circle in the card file",
}

_OVER = "the run is over: settle it, and run the card again or fork the run"


def why_blocked(
    run: str | None = None, card: str | None = None, /, *, as_json: Json = False, where: Where = HERE
) -> int:
    """Say why cards do not move: each with the chain of reasons down to its root, and what would free most.

    The score of a card is its priority plus the number of cards that wait for it, directly or through
    others. The exit code is 0 when nothing is blocked, 1 when something is.

    Args:
        run: The run's id, or the beginning of it [default: the newest run].
        card: Only this card of it.
        as_json: Print the diagnosis as one JSON object.
    """
    return anyio.run(_why_blocked, where, run, card, as_json)


async def _why_blocked(where: Where, name: str | None, card: str | None, as_json: bool) -> Exit:
    out = Out()
    async with reach_ledger(where.settings()) as reach:
        found = await (find_run(reach, name) if name else newest_run(reach))
        story = CardStory(found.run_id)
        for recorded in await history(reach, found.run_id):
            story.take(recorded)
    only = None if card is None else CardId(card)
    now = datetime.now(UTC)
    house = _house(story.state)
    said = diagnose(story.state, house.bottlenecks, since=story.since, now=now, only=only)
    if as_json:
        out.line(codec.encode({"run_id": found.run_id, **_as_json(said)}).decode())
    else:
        for line in tell(said, story.state, now=now, data_dir=where.words, only=only):
            out.line(line)
    return Exit.NOT_DONE if said.blocked else Exit.DONE


def _house(state: RunState) -> Organization:
    return Organization() if state.accepted is None else state.accepted.workload.organization


def _as_json(said: Diagnosis) -> dict[str, object]:
    return {one.name: getattr(said, one.name) for one in attrs.fields(Diagnosis)}


def tell(
    said: Diagnosis, state: RunState, *, now: datetime, data_dir: str, only: CardId | None = None
) -> Iterator[str]:
    """Word a diagnosis, one fact a line."""
    yield f"run {state.run_id} {state.status}: {_summary(said, state, only)}"
    for finding in said.findings:
        yield f"{finding.level:<9}{printable(finding.text)} ({finding.rule})"
    for blockage in said.blocked:
        yield ""
        yield from _blockage(blockage, now)
    if said.roots:
        yield ""
        yield "What would free most:"
    for number, root in enumerate(said.roots, start=1):
        yield from _root(number, root, state, data_dir)


def _summary(said: Diagnosis, state: RunState, only: CardId | None) -> str:
    if only is not None and not said.blocked:
        return f"{only} is {state.cards[only].status}; nothing keeps it from moving"
    if not said.blocked:
        return "nothing is blocked"
    verb = "does" if len(said.blocked) == 1 else "do"
    return f"{counted(len(said.blocked), 'card')} of {len(state.issues)} {verb} not move"


def _blockage(one: Blockage, now: datetime) -> Iterator[str]:
    since = "" if one.since is None else f", for {duration((now - one.since).total_seconds())}"
    yield f"{printable(one.card_id)} {printable(one.name)}: {one.status}{since}, score {one.score:g}"
    for chain in one.chains:
        yield from _chain(chain)
    if one.more:
        yield f"  … and {one.more} more reasons"


def _chain(chain: Chain) -> Iterator[str]:
    for depth, link in enumerate(chain.links):
        art = "  " if not depth else "  " + "   " * (depth - 1) + "└─ "
        named = "" if not depth else f"{printable(link.card_id)} {link.status}: "
        yield f"{art}{named}{printable(link.reason, chars_max=_CHARS_MAX)}"


def _root(number: int, root: Root, state: RunState, data_dir: str) -> Iterator[str]:
    freed = f"frees {_listed(root.frees)}" if root.frees else "frees none by itself"
    helped = f", helps {_listed(root.helps)}" if root.helps else ""
    named = f"{number}. {printable(root.card_id)} (score {root.score:g})"
    over = state.is_final and root.cause in (Cause.BLOCKED, Cause.AT_WORK, Cause.QUEUED)
    yield f"{named}: {_OVER if over else _FREEING[root.cause]}; {freed}{helped}"
    yield f"   {printable(root.reason, chars_max=_CHARS_MAX)}"
    for call in root.calls:
        yield f"   {command_line(('explain', state.run_id, call.partition('/')[2]), data_dir=data_dir)}"
    if root.calls:
        yield f"   {command_line(('approvals',), data_dir=data_dir)}"
    elif root.card_id in state.cards:
        yield f"   {command_line(('card', state.run_id, root.card_id), data_dir=data_dir)}"


def _listed(cards: tuple[CardId, ...]) -> str:
    more = f" and {len(cards) - _NAMED_MAX} more" if len(cards) > _NAMED_MAX else ""
    return ", ".join(map(printable, cards[:_NAMED_MAX])) + more
