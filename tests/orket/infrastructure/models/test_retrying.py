"""Patience: what is tried again, how often, with which pauses, and that the last error is told."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import RetryPolicy
from orket.domain.errors import ModelError
from orket.domain.models import AskedAgain, ModelChunk, ModelRequest, ReplyCompleted, TextDelta
from orket.infrastructure.assets.scripts import ScriptedReply, write_script
from orket.infrastructure.models.retrying import RetryingModel, delay_after
from orket.infrastructure.models.scripted import ScriptedModel
from tests.contracts.models import ModelContract, Opening, ask, collect, line

# small files; the loop may wait for them

AT_ONCE = RetryPolicy(attempts_max=3, first_delay_s=0.0, delay_max_s=0.0)
PASSING = ModelError("the server is restarting", code="connection", retryable=True)
LASTING = ModelError("no such model", code="protocol", retryable=False)


@attrs.define
class Failing:
    """A model server that fails as told before it answers; ``midway`` after the first piece."""

    failures: list[ModelError]
    midway: bool = False
    asked: int = 0

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        self.asked += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not self.midway:
            raise failure
        async with aclosing(self._chunks(failure)) as chunks:
            yield chunks

    async def _chunks(self, failure: ModelError | None) -> AsyncGenerator[ModelChunk]:
        yield TextDelta("Well")
        if failure is not None:
            raise failure
        yield ReplyCompleted(line(text="Well").reply)


class Speechless:
    """A model server that ends its stream without a reply."""

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        async def nothing() -> AsyncIterator[ModelChunk]:
            for _ in ():
                yield TextDelta("")

        yield nothing()


class TestRetryingModel(ModelContract):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        numbers = itertools.count()

        def opening(replies: Sequence[ScriptedReply]) -> RetryingModel:
            path = tmp_path / f"{next(numbers)}.json"
            path.write_bytes(write_script(replies))
            return RetryingModel(ScriptedModel(path), AT_ONCE)

        return opening


@pytest.mark.anyio
@pytest.mark.parametrize("midway", [False, True])
async def test_a_passing_failure_is_overcome(midway: bool) -> None:
    server = Failing([PASSING, PASSING], midway)
    chunks = await collect(RetryingModel(server, AT_ONCE), ask())
    begun = [TextDelta("Well")] if midway else []
    assert chunks[:-2] == [*begun, AskedAgain(), *begun, AskedAgain()]
    assert chunks[-2:] == [TextDelta("Well"), ReplyCompleted(line(text="Well").reply)]
    assert server.asked == 3


@pytest.mark.anyio
@pytest.mark.parametrize("midway", [False, True])
async def test_the_last_failure_is_told_as_it_is(midway: bool) -> None:
    last = ModelError("still restarting", code="connection", retryable=True)
    server = Failing([PASSING, PASSING, last, PASSING], midway)
    with pytest.raises(ModelError) as told:
        await collect(RetryingModel(server, AT_ONCE), ask())
    assert told.value is last
    assert server.asked == 3


@pytest.mark.anyio
async def test_a_lasting_failure_is_not_tried_again() -> None:
    server = Failing([PASSING, LASTING, PASSING])
    with pytest.raises(ModelError) as told:
        await collect(RetryingModel(server, AT_ONCE), ask())
    assert told.value is LASTING
    assert server.asked == 2


@pytest.mark.anyio
async def test_a_stream_without_a_reply_is_a_failure() -> None:
    with pytest.raises(ModelError, match="without a complete reply"):
        await collect(RetryingModel(Speechless(), AT_ONCE), ask())


@pytest.mark.anyio
async def test_a_pause_can_be_cancelled() -> None:
    patient = RetryPolicy(attempts_max=3, first_delay_s=600.0, delay_max_s=600.0)
    server = Failing([PASSING])
    with anyio.move_on_after(0.05) as scope:
        await collect(RetryingModel(server, patient), ask())
    assert scope.cancelled_caught
    assert server.asked == 1


@given(st.integers(1, 10_000), st.floats(0, 1e6), st.floats(0, 1e6))
def test_pauses_grow_up_to_their_limit(attempt: int, first_s: float, most_s: float) -> None:
    policy = RetryPolicy(attempts_max=3, first_delay_s=first_s, delay_max_s=most_s)
    assert 0 <= delay_after(attempt, policy) <= delay_after(attempt + 1, policy) <= most_s
    assert delay_after(1, policy) == min(first_s, most_s)
