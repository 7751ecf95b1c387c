"""Patience: a model call is tried again after a failure that may pass, and never waits without end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Protocol

import anyio

from orket.domain.errors import ModelError
from orket.domain.models import ModelChunk, ModelRequest, ReplyCompleted
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


def delay_after(attempt: int, policy: Patience) -> float:
    """Say how long to wait after a failed ``attempt`` (from 1), in seconds."""
    return min(policy.delay_max_s, policy.first_delay_s * 2.0 ** min(attempt - 1, 60))


class RetryingModel:
    """A model that is asked again when its failure is retryable; each attempt has the request's time limit.

    Only the time in which the model is waited for counts, not what the reader does between two chunks. The
    text of an attempt that failed half-way has been streamed already: pieces are for watching, only the
    ``ReplyCompleted`` counts. The last error is passed on as it is.

    It all happens in the reader's own task: a task group and a stream for every reply were an eighth of a
    turn with a scripted model. Hence ``inner`` must not keep a cancel scope or a task group open in the
    reader's task from one chunk to the next.

    Args:
        inner: The model that answers.
        policy: How often, and with which pauses.
    """

    def __init__(self, inner: ModelClient, policy: Patience) -> None:
        self._inner, self._policy = inner, policy

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Ask until there is a reply, a failure that stays, or no attempt left.

        Raises:
            ModelError: While iterating: the last failure, ``timeout`` when the limit ended the attempt.
        """
        async with aclosing(self._attempts(request)) as chunks:
            yield chunks

    async def _attempts(self, request: ModelRequest) -> AsyncGenerator[ModelChunk]:
        for attempt in range(1, max(1, self._policy.attempts_max) + 1):
            try:
                async with aclosing(_once(self._inner, request)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except ModelError as error:
                if not error.retryable or attempt >= self._policy.attempts_max:
                    raise
            await anyio.sleep(delay_after(attempt, self._policy))


async def _once(inner: ModelClient, request: ModelRequest) -> AsyncGenerator[ModelChunk]:
    """Ask once, until the reply is complete.

    The limit is held over each wait, never over the hand-out of a chunk, whose code is not ours to cancel.
    """
    left_s, chunks = request.timeout_s, None
    async with AsyncExitStack() as stack:
        while True:
            began_s, chunk = anyio.current_time(), None
            with anyio.CancelScope(deadline=began_s + left_s) as limit:
                if chunks is None:
                    chunks = await stack.enter_async_context(inner.stream(request))
                chunk = await anext(chunks, None)
            if limit.cancelled_caught:
                text = f"no complete reply within {request.timeout_s} s"
                raise ModelError(text, code="timeout", retryable=True)
            if chunk is None:
                raise ModelError("the stream ended without a complete reply", code="protocol", retryable=True)
            left_s -= anyio.current_time() - began_s
            yield chunk
            if isinstance(chunk, ReplyCompleted):
                return
