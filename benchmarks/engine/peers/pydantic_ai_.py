"""Pydantic-AI with its own scripted model, ``FunctionModel``. Nothing is recorded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from benchmarks.engine.load import REMARK, SAYING, TURNS_PER_CARD, Stopwatch
from benchmarks.engine.peers.program import serve


async def reply(messages: list[ModelMessage], info: Any) -> ModelResponse:
    """Say the same in every turn, with a tool call in all but the last."""
    said = sum(isinstance(one, ModelResponse) for one in messages) + 1
    if said < TURNS_PER_CARD:
        return ModelResponse(parts=[TextPart(SAYING), ToolCallPart("add_comment", {"text": REMARK})])
    return ModelResponse(parts=[TextPart(SAYING)])


def turns(folder: Path, flight: int, units: int) -> Stopwatch:
    agent = Agent(FunctionModel(reply), instructions="Work.")

    @agent.tool_plain
    async def add_comment(text: str) -> str:
        """Write a comment on the card."""
        return "comment added"

    async def go() -> Stopwatch:
        room = asyncio.Semaphore(flight)

        async def one(number: int) -> None:
            async with room:
                found = await agent.run(f"Work on card {number}.")
                replies = [one for one in found.all_messages() if isinstance(one, ModelResponse)]
                assert len(replies) == TURNS_PER_CARD

        with Stopwatch() as watch:
            await asyncio.gather(*(one(number) for number in range(units // TURNS_PER_CARD)))
        return watch

    return asyncio.run(go())


if __name__ == "__main__":
    serve({"turns": turns})
