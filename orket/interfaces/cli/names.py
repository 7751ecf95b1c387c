"""Which run is meant: an id, or the beginning of one that only one run has."""

from __future__ import annotations

from orket.domain.errors import RunNotFound
from orket.domain.identifiers import CallId, RunId
from orket.domain.ports import RunSummary
from orket.interfaces.cli.exits import BadInput
from orket.interfaces.cli.reach import Reach
from orket.interfaces.cli.wording import printable

_RUNS_MAX = 10_000
_LISTED_MAX = 10


async def find_run(reach: Reach, name: str) -> RunSummary:
    """Find the run whose id is ``name`` or, alone, begins with it.

    Raises:
        RunNotFound: No run does.
        BadInput: Several do; the message lists them.
    """
    if not name:
        raise BadInput("name a run by its id, or by the beginning of it")
    if (exact := await reach.run(RunId(name))) is not None:
        return exact
    found = [one for one in await reach.runs(limit=_RUNS_MAX) if one.run_id.startswith(name)]
    if not found:
        raise RunNotFound(f"no run begins with {name!r}")
    if len(found) > 1:
        listed = ", ".join(f"{one.run_id} ({printable(one.target)})" for one in found[:_LISTED_MAX])
        raise BadInput(f"{len(found)} runs begin with {name!r}: {listed}; give more of the id")
    return found[0]


async def newest_run(reach: Reach) -> RunSummary:
    """Find the run that was accepted last.

    Raises:
        RunNotFound: There is none at all.
    """
    for one in await reach.runs(limit=1):
        return one
    raise RunNotFound("there are no runs here yet; start one with `orket run FILE`")


async def find_call(reach: Reach, name: str) -> tuple[RunId, CallId]:
    """Read a call's id, ``RUN/CARD/TURN/INDEX``, in which the run may be the beginning of one.

    Raises:
        RunNotFound, BadInput: As ``find_run``, or it is no call id.
    """
    run, slash, rest = name.partition("/")
    if not slash or rest.count("/") < 2:
        raise BadInput(f"{name!r} is no call id; they look like 3f9a12cd/CARD-1/2/0")
    run_id = (await find_run(reach, run)).run_id
    return run_id, CallId(f"{run_id}/{rest}")
