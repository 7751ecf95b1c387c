"""A program of its own: paints one picture with a diffusers pipeline, for one parent.

It is run as a file, by a Python that has ``torch`` and ``diffusers``, and imports nothing of Orket. The first
line of its input is a JSON object (see ``painter``); its output is one line of JSON, with ``error`` when it
could not paint, and then the PNG. It ends when its input does, however the parent came to its end.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import sys
import threading
from typing import NamedTuple


class Given(NamedTuple):
    """What the parent asks for."""

    model: str
    threads: int
    prompt: str
    width: int
    height: int
    steps: int
    seed: int
    within_s: float


def paint(given: Given) -> tuple[dict[str, object], bytes]:
    """Load the pipeline of a folder and paint; nothing is fetched, and no pickle is read."""
    import torch
    from diffusers import DiffusionPipeline

    torch.set_num_threads(given.threads)
    pipeline = DiffusionPipeline.from_pretrained(given.model, local_files_only=True, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    if "prompt" not in inspect.signature(pipeline.__call__).parameters:
        return {"error": f"a {type(pipeline).__name__} takes no prompt"}, b""
    painted = pipeline(
        prompt=given.prompt,
        width=given.width,
        height=given.height,
        num_inference_steps=given.steps,
        generator=torch.Generator("cpu").manual_seed(given.seed),
    )
    content = io.BytesIO()
    painted.images[0].save(content, "PNG")
    return {"pipeline": type(pipeline).__name__}, content.getvalue()


def _leave_with_the_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Read, paint, tell."""
    given = Given(**json.loads(sys.stdin.buffer.readline()))
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    out = os.dup(1)
    os.dup2(2, 1)  # what libraries print is for the log
    png = b""
    try:
        told, png = paint(given)
    except (
        OSError,
        ValueError,
        TypeError,
        RuntimeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        ImportError,
        MemoryError,
    ) as error:
        told = {"error": f"{type(error).__name__}: {error}"[:500]}
    with open(out, "wb") as answer:
        answer.write(json.dumps(told).encode() + b"\n" + png)
    os._exit(0)  # its threads may still be at work


if __name__ == "__main__":
    main()
