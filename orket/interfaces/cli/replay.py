"""``orket replay``: a recorded run once more, without a model and without effects."""

from __future__ import annotations

import anyio
import msgspec

from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.domain.replay import Difference
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.wording import counted, printable
from orket.wire import codec

_VALUE_CHARS = 300


def replay(run: str, /, *, where: Where = HERE) -> int:
    """Replay a recorded run with the rules of today, and name the first event that comes out otherwise.

    No model is asked and nothing acts: replies, results and people's decisions are those of the record; every
    decision of the engine is made anew. The exit code is 0 when all of it is reproduced, 1 when not.

    Args:
        run: The run's id, or the beginning of it.
    """
    return anyio.run(_replay, where, run)


async def _replay(where: Where, name: str) -> Exit:
    from orket.bootstrap.replaying import replay_run

    out, settings = Out(), where.settings()
    async with reach_ledger(settings) as reach:
        run_id = (await find_run(reach, name)).run_id
        recorded = await history(reach, run_id)
    report = await replay_run(settings, recorded)
    if report.difference is None:
        out.line(f"run {run_id}: {counted(report.events, 'event')} reproduced")
        return Exit.DONE
    for line in told(report.difference):
        out.line(line if line.startswith(" ") else f"run {run_id} {line}")
    return Exit.NOT_DONE


async def history(reach: Reach, run_id: RunId) -> list[Recorded]:
    """Read all events of a run."""
    found: list[Recorded] = []
    while page := await reach.read(run_id, after=found[-1].seq if found else 0, limit=PAGE):
        found.extend(page)
    return found


def told(difference: Difference) -> tuple[str, ...]:
    """Word where a replay leaves the record: the place, both events, and what they disagree about."""
    place = "in the run itself" if not difference.card else f"card {difference.card}"
    at = "after its last event" if difference.seq is None else f"at event {difference.seq}"
    return (
        f"leaves the record {at}, {place}, step {difference.position + 1}:",
        f"  recorded: {_event(difference.recorded)}",
        f"  replayed: {_event(difference.replayed)}",
        *_fields(difference.recorded, difference.replayed),
    )


def _event(event: Event | None) -> str:
    return "nothing more" if event is None else type(event).__name__


def _fields(recorded: Event | None, replayed: Event | None) -> tuple[str, ...]:
    """Show the fields that differ, as JSON; all fields of an event that stands alone."""
    left, right = _data(recorded), _data(replayed)
    if type(recorded) is not type(replayed) and recorded is not None and replayed is not None:
        return (f"    recorded: {_json(left)}", f"    replayed: {_json(right)}")
    return tuple(
        f"    {name}: {_json(left.get(name))} was recorded, now {_json(right.get(name))}"
        for name in {**left, **right}
        if left.get(name) != right.get(name)
    )


def _data(event: Event | None) -> dict[str, object]:
    return {} if event is None else dict(msgspec.to_builtins(event))


def _json(value: object) -> str:
    return printable(codec.encode(value).decode(), chars_max=_VALUE_CHARS)
