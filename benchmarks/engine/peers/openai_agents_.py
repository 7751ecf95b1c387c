"""The OpenAI Agents SDK with a scripted model, tracing off. Nothing is recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, function_tool, set_tracing_disabled
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from benchmarks.engine.load import REMARK, SAYING, TURNS_PER_CARD, Stopwatch
from benchmarks.engine.peers.program import serve


class Scripted(Model):
    """Says the same in every turn, with a tool call in all but the last."""

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:  # noqa: A002
        calls = 0 if isinstance(input, str) else sum(one.get("type") == "function_call" for one in input)
        text = ResponseOutputText(annotations=[], text=SAYING, type="output_text")
        said = ResponseOutputMessage(
            id=f"m{calls}", content=[text], role="assistant", status="completed", type="message"
        )
        output: list[Any] = [said]
        if calls < TURNS_PER_CARD - 1:
            arguments = json.dumps({"text": REMARK})
            call = ResponseFunctionToolCall(
                arguments=arguments, call_id=f"c{calls}", name="add_comment", type="function_call"
            )
            output.append(call)
        return ModelResponse(output=output, usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


@function_tool
async def add_comment(text: str) -> str:
    """Write a comment on the card."""
    return "comment added"


def turns(folder: Path, flight: int, units: int) -> Stopwatch:
    set_tracing_disabled(True)
    agent = Agent(name="builder", instructions="Work.", tools=[add_comment], model=Scripted())

    async def go() -> Stopwatch:
        room = asyncio.Semaphore(flight)

        async def one(number: int) -> None:
            async with room:
                quiet = RunConfig(tracing_disabled=True)
                found = await Runner.run(agent, f"Work on card {number}.", run_config=quiet)
                assert len(found.raw_responses) == TURNS_PER_CARD

        with Stopwatch() as watch:
            await asyncio.gather(*(one(number) for number in range(units // TURNS_PER_CARD)))
        return watch

    return asyncio.run(go())


if __name__ == "__main__":
    serve({"turns": turns})
