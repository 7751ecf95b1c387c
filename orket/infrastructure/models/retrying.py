"""Patience: a model call is tried again after a failure that may pass, and never waits without end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol

import anyio
from anyio.abc import ObjectSendStream, TaskGroup

from orket.domain.errors import ModelError
from orket.domain.models import ModelChunk, ModelRequest, ReplyCompleted
from orket.domain.ports import ModelClient

_BUFFER_CHUNKS = 64
_Item = ModelChunk | ModelError


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

    The text of an attempt that failed half-way has been streamed already: pieces are for watching, only the
    ``ReplyCompleted`` counts. The last error is passed on as it is.

    Args:
        inner: The model that answers.
        policy: How often, and with which pauses.
    """

    def __init__(self, inner: ModelClient, policy: Patience) -> None:
        self._inner, self._policy = inner, policy

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[ModelChunk]]:
        """Ask until there is a reply, a failure that stays, or no attempt left.

        Raises:
            ModelError: While iterating: the last failure, ``timeout`` when the limit ended the attempt.
        """
        return _Attempts(self._inner, self._policy, request)


class _Attempts:
    """The attempts at one request.

    They run in a task of their own, because a time limit must not reach over the hand-out of a chunk to
    whoever iterates: that is not the limit's code to cancel.
    """

    def __init__(self, inner: ModelClient, policy: Patience, request: ModelRequest) -> None:
        self._inner, self._policy, self._request = inner, policy, request
        self._tasks: TaskGroup = anyio.create_task_group()
        self._send, self._receive = anyio.create_memory_object_stream[_Item](_BUFFER_CHUNKS)

    async def __aenter__(self) -> AsyncIterator[ModelChunk]:
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._produce)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._receive.close()
        self._tasks.cancel_scope.cancel()
        # The body's own error stays itself: shown to the group, it would come back wrapped in one.
        if isinstance(error, anyio.get_cancelled_exc_class()):
            await self._tasks.__aexit__(kind, error, trace)
        else:
            await self._tasks.__aexit__(None, None, None)

    def __aiter__(self) -> AsyncIterator[ModelChunk]:
        return self

    async def __anext__(self) -> ModelChunk:
        try:
            item = await self._receive.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None
        if isinstance(item, ModelError):
            raise item
        return item

    async def _produce(self) -> None:
        async with self._send as send:
            for attempt in range(1, max(1, self._policy.attempts_max) + 1):
                failure = await self._attempt(send)
                if failure is None:
                    return
                if not failure.retryable or attempt >= self._policy.attempts_max:
                    await send.send(failure)
                    return
                await anyio.sleep(delay_after(attempt, self._policy))

    async def _attempt(self, send: ObjectSendStream[_Item]) -> ModelError | None:
        """Ask once; None when the reply is complete."""
        limit_s = self._request.timeout_s
        try:
            with anyio.fail_after(limit_s):
                async with self._inner.stream(self._request) as chunks:
                    async for chunk in chunks:
                        await send.send(chunk)
                        if isinstance(chunk, ReplyCompleted):
                            return None
        except TimeoutError:
            return ModelError(f"no complete reply within {limit_s} s", code="timeout", retryable=True)
        except ModelError as error:
            return error
        return ModelError("the stream ended without a complete reply", code="protocol", retryable=True)
