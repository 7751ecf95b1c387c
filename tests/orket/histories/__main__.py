"""Record the golden histories, in a directory that is the same on every machine: its name is in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio

from orket.bootstrap import demo_target, open_orket
from orket.domain.events import Recorded
from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict
from orket.domain.waiting import waiting_for_person
from orket.orchestration.messages import DecideCall, StartRun
from orket.settings import Settings
from tests.orket.histories import save
from tests.orket.kit import Bench, call, issue, reply, settled, status

PLACE = Path("/tmp/orket-golden")


async def record(target: Path) -> list[Recorded]:
    """Run a target to its end, approving whatever it asks."""
    settings = Settings(data_dir=PLACE / "data", model_dir=PLACE / "model", cwd=PLACE)
    async with open_orket(settings) as orket:
        asked = StartRun(target=str(target), workspace=str(PLACE / "workspace"))
        run_id = (await orket.engine.ask(asked, timeout=60)).run_id
        while (state := await settled(orket, run_id)).status is RunStatus.WAITING_FOR_APPROVAL:
            one = waiting_for_person(state)[0].call.call
            yes = DecideCall(run_id=run_id, call_id=one.id, verdict=HumanVerdict.APPROVE, by="ada")
            await orket.engine.ask(yes, timeout=60)
        assert state.status is RunStatus.DONE, state.reason
        return list(await orket.ledger.read(run_id, limit=100_000))


def demo() -> Path:
    """Copy the shipped demo to the place."""
    folder = demo_target().parent.parent
    shutil.copytree(folder, PLACE / "model" / "core")
    return PLACE / "model" / "core" / "epics" / demo_target().name


def approval() -> Path:
    """Write a card that is retried, is sent back by its review, and asks before it writes."""
    lines = [
        reply("A", 1),
        reply("A", 2, call("write_file", path="a.txt", content="x"), status("code_review")),
        reply("A", 3, status("in_progress")),
        reply("A", 4, call("read_file", path="a.txt"), status("code_review")),
        reply("A", 5, status("done")),
    ]
    asks = [{"effect": "ask", "tool": "write_file"}]
    return Bench(PLACE).epic([issue("A")], lines, policy=asks)


def main() -> None:
    """Record all of them."""
    for make in (demo, approval):
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.mkdir(parents=True)
        save(make.__name__, anyio.run(record, make()))
    shutil.rmtree(PLACE)


if __name__ == "__main__":
    main()
