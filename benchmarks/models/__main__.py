"""Ask models for single steps of work in each way of calling tools, and count those they get right.

``python -m benchmarks.models local:qwen2.5-coder-0.5b`` prints a table and one line of JSON per answer.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import anyio

from actors import ActorSystem
from benchmarks.models.steps import STEPS, Step
from orket.bootstrap.local_models import open_servers
from orket.decision_nodes.actions import RULE, SMALL_RULES, action_schema, as_text, signature
from orket.decision_nodes.dialect import DefaultDialect
from orket.decision_nodes.model_client import DefaultModelClientNode
from orket.domain.errors import ModelError
from orket.domain.identifiers import CardId
from orket.domain.models import ChatMessage, ChatRole, ModelReply, ModelRequest, ReplyCompleted
from orket.domain.ports import ModelClient
from orket.infrastructure.models.selection import open_model
from orket.services.tools.toolbox import TOOLBOX
from orket.settings import load_settings

NAMES = (
    "write_file",
    "read_file",
    "list_directory",
    "run_command",
    "add_issue_comment",
    "update_issue_status",
)
TOOLS = tuple(TOOLBOX[name].spec for name in NAMES)
STATUSES = ("code_review", "done", "in_progress")
MODES = ("schema", "native", "text")
TOKENS_MAX = 220


def asked(step: Step, mode: str, model: str) -> ModelRequest:
    """Write a step as a question in one of the ways."""
    rules = "\n".join(f"- {one}" for one in SMALL_RULES)
    tools = "\n".join(map(signature, TOOLS))
    told = f"You are a builder. You work with tools.\n{rules}\n"
    told += "Act by calling a tool." if mode == "native" else f"{RULE}\n\nTOOLS\n{tools}"
    messages = (
        ChatMessage(role=ChatRole.SYSTEM, content=told),
        ChatMessage(role=ChatRole.USER, content=step.card),
        *step.past,
        ChatMessage(role=ChatRole.USER, content="What is the next step?"),
    )
    return ModelRequest(
        card=CardId("-"),
        turn=1,
        seat="builder",
        model=model,
        messages=messages if mode == "native" else as_text(messages),
        tools=TOOLS if mode == "native" else (),
        schema_json=action_schema(TOOLS, STATUSES) if mode == "schema" else "",
        output_tokens_max=TOKENS_MAX,
        timeout_s=900.0,
    )


def judged(step: Step, reply: ModelReply) -> str:
    """Say ``right``, or what is wrong."""
    reading = DefaultDialect().read(reply, TOOLS)
    if not reading.calls:
        return reading.code or "no call"
    first = reading.calls[0]
    if first.name != step.tool:
        return f"{first.name} instead of {step.tool}"
    try:
        given = json.loads(first.arguments_json)
    except ValueError:
        return "arguments are not JSON"
    return "right" if isinstance(given, dict) and step.right(given) else "wrong arguments"


async def answer(client: ModelClient, request: ModelRequest) -> ModelReply:
    """Ask once."""
    async with client.stream(request) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, ReplyCompleted):
                return chunk.reply
    raise AssertionError("a stream ends with a reply or an error")


async def measure(models: list[str], modes: list[str]) -> None:
    """Ask every model every step in every mode."""
    settings, node = load_settings(os.environ, Path.cwd()), DefaultModelClientNode()
    rows: list[tuple[str, str, int, float]] = []
    async with ActorSystem("models", shutdown=20) as system:
        servers = open_servers(settings, system)
        for model in models:
            adapter = node.adapter(model)
            client = open_model(model, node.retries(model), adapter=adapter, servers=lambda: servers)
            for mode in modes:
                outcomes, began_s = [], time.monotonic()
                for step in STEPS:
                    try:
                        outcome = judged(step, await answer(client, asked(step, mode, model)))
                    except ModelError as error:
                        outcome = f"error: {error.code}"
                    outcomes.append(outcome)
                    told = {"model": model, "mode": mode, "step": step.name, "outcome": outcome}
                    print(json.dumps(told), flush=True)
                rows.append((model, mode, outcomes.count("right"), time.monotonic() - began_s))
    print(f"\n| model | mode | right of {len(STEPS)} | seconds |\n|---|---|---|---|")
    for model, mode, right, took_s in rows:
        print(f"| `{model}` | {mode} | {right} | {took_s:.0f} |")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument("models", nargs="+", help="such as local:qwen2.5-coder-0.5b")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    given = parser.parse_args()
    anyio.run(measure, given.models, given.modes)


if __name__ == "__main__":
    main()
