"""Patience: a model call is tried again after a failure that may pass, and never waits without end."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Protocol

import anyio
import attrs

from orket.domain.asking import Answering, answering
from orket.domain.errors import ModelError, ModelTimeout
from orket.domain.models import (
    AskedAgain,
    CallDelta,
    ModelChunk,
    ModelReply,
    ModelRequest,
    ReplyCompleted,
    TextDelta,
    Usage,
    rough_usage,
)
from orket.domain.ports import ModelClient


class Patience(Protocol):
    """What is needed of a retry policy, in seconds."""

    @property
    def attempts_max(self) -> int:
        """How often a question is asked at most."""
        ...

    @property
    def first_delay_s(self) -> float:
        """How long is waited after the first failure; it doubles with each one."""
        ...

    @property
    def delay_max_s(self) -> float:
        """How long is waited at most."""
        ...


RETRY_AFTER_S_MAX = 60.0


def delay_after(attempt: int, policy: Patience) -> float:
    """Say how long to wait after a failed ``attempt`` (from 1), in seconds."""
    return min(policy.delay_max_s, policy.first_delay_s * 2.0 ** min(attempt - 1, 60))


def pause_after(attempt: int, policy: Patience, asked_s: float | None, draw: float) -> float | None:
    """Say how long to wait after a failed ``attempt`` (from 1), in seconds; None when it is no use.

    Args:
        attempt: Which attempt it was.
        policy: The patience.
        asked_s: How long the server wants to be left alone, if it said so.
        draw: A number from 0 to 1: many that failed together come back at different times, each after
            between half and the whole of its pause, and never before a server wants them.
    """
    delay_s = delay_after(attempt, policy) * (0.5 + draw / 2)
    if asked_s is None:
        return delay_s
    return max(delay_s, asked_s) if asked_s <= RETRY_AFTER_S_MAX else None


class RetryingModel(Answering):
    """A model that is asked again when its failure is retryable; each attempt has the request's time limit.

    A server's ``Retry-After`` is kept to; one that wants more than ``RETRY_AFTER_S_MAX`` seconds is not asked
    again. The usage of failed attempts is added to that of the reply, or of the last error.

    Only the time in which the model is waited for counts, not what the reader does between two chunks. The
    text of an attempt that failed half-way has been streamed already, so ``AskedAgain`` follows it: pieces
    are for watching, only the ``ReplyCompleted`` counts. The last error is passed on as it is.

    It all happens in the reader's own task: a task group and a stream for every reply were an eighth of a
    turn with a scripted model. Hence ``inner`` must not keep a cancel scope or a task group open in the
    reader's task from one chunk to the next.

    Args:
        inner: The model that answers.
        policy: How often, and with which pauses.
        draw: Draws numbers from 0 to 1, for the pauses.
    """

    def __init__(
        self, inner: ModelClient, policy: Patience, *, draw: Callable[[], float] = random.random
    ) -> None:
        self._inner, self._policy, self._draw = inner, policy, draw
        self.whole = answering(inner) is not None

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Ask until there is a reply, a failure that stays, or no attempt left.

        Raises:
            ModelError: While iterating: the last failure, ``timeout`` when the limit ended the attempt.
        """
        async with aclosing(self._attempts(request)) as chunks:
            yield chunks

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Ask for a whole reply, as patiently as ``stream``, a model that can be asked so (``whole``)."""
        assert isinstance(self._inner, Answering)
        wasted = Usage()
        for attempt in range(1, max(1, self._policy.attempts_max) + 1):
            try:
                reply = await _whole(self._inner, request)
            except ModelError as error:
                wasted = _charge(error, wasted)
                pause_s = self._pause_s(attempt, error)
                if pause_s is None:
                    raise
            else:
                return reply if wasted == Usage() else attrs.evolve(reply, usage=reply.usage + wasted)
            await anyio.sleep(pause_s)
        raise AssertionError("the last attempt answers or fails")

    def _pause_s(self, attempt: int, error: ModelError) -> float | None:
        """How long to wait before the next attempt; None when there shall be none."""
        pause_s = pause_after(attempt, self._policy, error.retry_after_s, self._draw())
        return pause_s if error.retryable and attempt < self._policy.attempts_max else None

    async def _attempts(self, request: ModelRequest) -> AsyncGenerator[ModelChunk]:
        wasted = Usage()
        for attempt in range(1, max(1, self._policy.attempts_max) + 1):
            try:
                async with aclosing(_once(self._inner, request)) as chunks:
                    async for chunk in chunks:
                        yield _charged(chunk, wasted)
                return
            except ModelError as error:
                wasted = _charge(error, wasted)
                pause_s = self._pause_s(attempt, error)
                if pause_s is None:
                    raise
            yield AskedAgain()
            await anyio.sleep(pause_s)


def _charge(error: ModelError, wasted: Usage) -> Usage:
    """Let an error carry what this attempt and those before it have used; return that."""
    wasted += Usage(input_tokens=error.usage[0], output_tokens=error.usage[1])
    error.usage = (wasted.input_tokens, wasted.output_tokens)
    return wasted


def _charged(chunk: ModelChunk, wasted: Usage) -> ModelChunk:
    if not isinstance(chunk, ReplyCompleted) or wasted == Usage():
        return chunk
    return ReplyCompleted(attrs.evolve(chunk.reply, usage=chunk.reply.usage + wasted))


async def _whole(inner: Answering, request: ModelRequest) -> ModelReply:
    """Ask once for the whole reply."""
    with anyio.CancelScope(deadline=anyio.current_time() + request.timeout_s):
        return await inner.reply(request)
    raise ModelTimeout(f"no complete reply within {request.timeout_s} s")


async def _once(inner: ModelClient, request: ModelRequest) -> AsyncGenerator[ModelChunk]:
    """Ask once, until the reply is complete.

    The limit is held over each wait, never over the hand-out of a chunk, whose code is not ours to cancel.
    """
    left_s, chunks, chars = request.timeout_s, None, 0
    async with AsyncExitStack() as stack:
        while True:
            began_s, chunk = anyio.current_time(), None
            with anyio.CancelScope(deadline=began_s + left_s) as limit:
                if chunks is None:
                    chunks = await stack.enter_async_context(inner.stream(request))
                chunk = await anext(chunks, None)
            if limit.cancelled_caught:
                text = f"no complete reply within {request.timeout_s} s"
                spent = rough_usage(request, chars) if chars else Usage()
                # Raised inside the model's block, which so hears of it: its server did not come to an end.
                raise ModelTimeout(text, usage=(spent.input_tokens, spent.output_tokens))
            if chunk is None:
                raise ModelError("the stream ended without a complete reply", code="protocol", retryable=True)
            left_s -= anyio.current_time() - began_s
            yield chunk
            if isinstance(chunk, ReplyCompleted):
                return
            chars += len(chunk.text) if isinstance(chunk, TextDelta | CallDelta) else 0
