"""A model that answers from Python: no network, no file, the same every time, late or silent on request."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import anyio.lowlevel

from actors.testing import Simulation, port_faults
from orket.domain.errors import ModelError
from orket.domain.models import ModelChunk, ModelReply, ModelRequest, ProposedCall, ReplyCompleted, TextDelta
from orket.testing.workloads import GUARD

Answer = Callable[[ModelRequest], ModelReply]


def call(tool: str, **arguments: object) -> ProposedCall:
    """Write one tool call as a model would."""
    return ProposedCall(name=tool, arguments_json=json.dumps(arguments))


def says(*calls: ProposedCall, text: str = "") -> ModelReply:
    """Write a reply of some tool calls."""
    return ModelReply(text=text, calls=calls)


def diligent(request: ModelRequest) -> ModelReply:
    """Write the file ``CARD.txt`` and hand the card to review, where it is accepted."""
    if request.seat == GUARD:
        return says(call("update_issue_status", status="done"))
    write = call("write_file", path=f"{request.card}.txt", content=f"{request.card}\n")
    return says(write, call("update_issue_status", status="code_review"))


class SimulatedModel:
    """The model port, answered by a function.

    ``Faults(delay=["model"])`` lets a reply take up to ten virtual seconds, ``drop`` loses it: the request
    fails with a ``ModelError`` that is worth another try.

    Args:
        answer: Given the request, the reply; it may raise ``ModelError``. It must not draw or read clocks.

    Attributes:
        requests: What was asked, in order.
    """

    def __init__(self, answer: Answer = diligent) -> None:
        self._answer = answer
        self.requests: list[ModelRequest] = []
        self._port: _Replies | None = None

    def enter(self, sim: Simulation) -> None:
        """Let the simulation's faults happen to the replies."""
        self._port = sim.fragile(_Replies(self._answer), "model")

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Answer: the text if there is any, then the whole reply; see ``orket.domain.ports.ModelClient``.

        Raises:
            ModelError: The reply was lost, or ``answer`` raised it.
        """
        self.requests.append(request)
        port = self._port or _Replies(self._answer)
        reply = await port.reply(request)
        if reply is None:
            raise ModelError("the reply was lost", code="unreachable", retryable=True)
        async with aclosing(_chunks(reply)) as chunks:
            yield chunks


class _Replies:
    """The part of a model to which faults happen."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @port_faults("delay", "drop")
    async def reply(self, request: ModelRequest) -> ModelReply | None:
        await anyio.lowlevel.checkpoint()
        return self._answer(request)


async def _chunks(reply: ModelReply) -> AsyncGenerator[ModelChunk]:
    if reply.text:
        yield TextDelta(reply.text)
    yield ReplyCompleted(reply)
