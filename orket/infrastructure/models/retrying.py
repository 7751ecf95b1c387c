"""Patience: a model call is tried again after a failure that may pass, and never waits without end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
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
    """Ask once, until the reply is complete."""
    limit = _Limit(request.timeout_s)
    async with AsyncExitStack() as stack:
        with limit.held():
            chunks = await stack.enter_async_context(inner.stream(request))
        while True:
            with limit.held():
                chunk = await anext(chunks, None)
            if chunk is None:
                raise ModelError("the stream ended without a complete reply", code="protocol", retryable=True)
            yield chunk
            if isinstance(chunk, ReplyCompleted):
                return


class _Limit:
    """What is left of the time in which a model may be waited for."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = self._left_s = limit_s

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the limit over a wait; never over the hand-out of a chunk, whose code is not ours."""
        began_s = anyio.current_time()
        try:
            with anyio.fail_after(self._left_s):
                yield
        except TimeoutError:
            text = f"no complete reply within {self._limit_s} s"
            raise ModelError(text, code="timeout", retryable=True) from None
        self._left_s -= anyio.current_time() - began_s
