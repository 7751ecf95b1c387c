"""A child process: bytes on disk per byte of payload, for one card that takes many turns.

The payload is what was said, each thing once: every message of the longest prompt, every reply, every call's
arguments and result. What is sent again in each later prompt is not counted again.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from benchmarks.engine.load import answer
from benchmarks.engine.workload import ended, write_epic
from orket.bootstrap import Orket, open_orket
from orket.domain import events as e
from orket.domain.identifiers import RunId
from orket.orchestration.messages import StartRun
from orket.settings import Settings


async def measure(folder: Path, turns: int) -> dict[str, float]:
    """One card, ``turns`` turns; the database after an orderly end, without its log."""
    epic = write_epic(folder / "model", 1, turns=turns)
    settings = Settings(data_dir=folder / "data", model_dir=folder / "model", cwd=folder)
    async with open_orket(settings) as orket:
        run_id = (await orket.engine.ask(StartRun(target=str(epic)), timeout=60)).run_id
        await ended(orket, run_id)
        said, sent = await _payload(orket, run_id)
    disk = settings.db_path.stat().st_size
    return {
        "disk_bytes": disk,
        "said_bytes": said,
        "sent_bytes": sent,
        "per_said": disk / said,
        "per_sent": disk / sent,
    }


async def _payload(orket: Orket, run_id: RunId) -> tuple[int, int]:
    """Bytes that were said, each once, and bytes that went over the model port, prompts repeated."""
    prompts, others, after = [], 0, 0
    while page := await orket.ledger.read(run_id, after=after):
        after = page[-1].seq
        for one in page:
            match one.event:
                case e.TurnStarted(prompt=prompt):
                    prompts.append(len(await orket.ledger.blob(prompt) or b""))
                case e.ModelReplied(reply=reply):
                    others += len(reply.text) + sum(len(call.arguments_json) for call in reply.calls)
                case e.ToolCallFinished(result=result):
                    others += len(result.output)
    return prompts[0] + others, sum(prompts) + others


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"turns": […]}`` → figures by number of turns."""

    async def go() -> dict[str, Any]:
        found = {}
        for turns in order["turns"]:
            with TemporaryDirectory() as folder:
                found[str(turns)] = await measure(Path(folder), turns)
        return found

    return anyio.run(go)


if __name__ == "__main__":
    answer(main)
