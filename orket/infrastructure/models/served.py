"""A model behind a server: one class for every protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import attrs
import msgspec

from orket.domain.errors import ModelError, ModelTimeout
from orket.domain.models import (
    FinishReason,
    ModelChunk,
    ModelReply,
    ModelRequest,
    ReplyCompleted,
    rough_usage,
)
from orket.domain.repetition import TAIL_CHARS, loops
from orket.infrastructure.models.exchange import Server
from orket.infrastructure.models.speech import Answer, Listener, Speech

_LOOK_EVERY_CHARS = TAIL_CHARS // 4


class ServedModel:
    """A model that a server offers.

    Args:
        speech: The protocol.
        model: What the server calls the model.
        server: Where it is.
    """

    def __init__(self, speech: Speech, model: str, server: Server) -> None:
        self._speech, self._model, self._server = speech, model, server

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Ask; leaving the block closes the connection, which ends the server's work.

        Raises:
            ModelError: While iterating; ``usage`` tells what it cost all the same.
        """
        try:
            async with aclosing(self._chunks(request)) as chunks:
                yield chunks
        except ModelTimeout:
            self._server.circuit.gave_up()
            raise

    async def _chunks(self, request: ModelRequest) -> AsyncGenerator[ModelChunk]:
        body = msgspec.json.encode(self._speech.body(self._model, request))
        headers = self._speech.headers(self._server.key)
        listener = self._speech.listener(request)
        answer = listener.answer
        try:
            lines = self._speech.lines
            async with self._server.ask(self._speech.path, headers, body, lines=lines) as incoming:
                looked = 0
                while not answer.over and (data := await incoming.next()) is not None:
                    listener.hear(data)
                    if answer.chars - looked >= _LOOK_EVERY_CHARS:
                        looked = answer.chars
                        _cut_off_loops(answer)
                    for piece in answer.fresh:
                        yield piece
                    answer.fresh.clear()
                _check_end(answer)
        except ModelError as error:
            error.usage = _spent(request, listener)
            raise
        yield ReplyCompleted(_whole(answer.reply(rough_usage(request, answer.chars)), request))


def _whole(reply: ModelReply, request: ModelRequest) -> ModelReply:
    """Some servers say of an answer that was cut off that it ended; the count tells."""
    cut = reply.finish is FinishReason.STOP and reply.usage.output_tokens >= request.output_tokens_max
    return attrs.evolve(reply, finish=FinishReason.LENGTH) if cut else reply


def _cut_off_loops(answer: Answer) -> None:
    if loops(answer.tail):
        text = f"the model repeats itself without end and was cut off after {answer.chars} characters"
        raise ModelError(text, code="repetition", retryable=False)


def _check_end(answer: Answer) -> None:
    if not (answer.over or answer.finished):
        text = f"the answer broke off after {answer.chars} characters"
        raise ModelError(text, code="connection", retryable=True)


def _spent(request: ModelRequest, listener: Listener) -> tuple[int, int]:
    """What an answer that failed has cost: as told, otherwise roughly, and nothing when none had begun."""
    answer = listener.answer
    if answer.usage is None and not answer.chars:
        return 0, 0
    rough = rough_usage(request, answer.chars)
    told = answer.usage or rough
    return told.input_tokens, max(told.output_tokens, rough.output_tokens)
