"""A whole reply asked for without a stream: the same answer, patience and errors as with one."""

from __future__ import annotations

from pathlib import Path

import anyio
import attrs
import pytest

from orket.decision_nodes.decisions import RetryPolicy
from orket.domain.asking import Answering, answering
from orket.domain.errors import ModelError
from orket.domain.models import ModelReply, ModelRequest, ReplyCompleted, Usage
from orket.infrastructure.assets.scripts import write_script
from orket.infrastructure.models.retrying import RetryingModel
from orket.infrastructure.models.scripted import ScriptedModel
from tests.contracts.models import ask, collect, line
from tests.orket.infrastructure.models.test_retrying import AT_ONCE, Failing

pytestmark = pytest.mark.anyio


class Direct(Failing, Answering):
    """The same server, asked without a stream."""

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return line(text="Well").reply


def passing(tokens: int = 0) -> ModelError:
    return ModelError("restarting", code="connection", retryable=True, usage=(tokens, 0))


async def test_a_passing_failure_is_overcome_and_what_it_used_is_counted() -> None:
    model = Direct([passing(3), passing(4)])
    reply = await RetryingModel(model, AT_ONCE).reply(ask())
    wanted = line(text="Well").reply
    assert reply == attrs.evolve(wanted, usage=wanted.usage + Usage(input_tokens=7))
    assert model.asked == 3


async def test_the_last_failure_is_told_as_it_is() -> None:
    last = passing(1)
    model = Direct([passing(2), passing(3), last, passing()])
    with pytest.raises(ModelError) as told:
        await RetryingModel(model, AT_ONCE).reply(ask())
    assert told.value is last
    assert told.value.usage == (6, 0)
    assert model.asked == 3


async def test_a_lasting_failure_is_not_tried_again() -> None:
    lasting = ModelError("no such model", code="protocol", retryable=False)
    model = Direct([lasting])
    with pytest.raises(ModelError) as told:
        await RetryingModel(model, AT_ONCE).reply(ask())
    assert (told.value, model.asked) == (lasting, 1)


async def test_an_answer_that_takes_too_long_is_a_timeout() -> None:
    class Mute(Direct):
        async def reply(self, request: ModelRequest) -> ModelReply:
            await anyio.sleep_forever()
            raise AssertionError

    once = RetryPolicy(attempts_max=1, first_delay_s=0.0, delay_max_s=0.0)
    with pytest.raises(ModelError, match="no complete reply within") as told:
        await RetryingModel(Mute([]), once).reply(attrs.evolve(ask(), timeout_s=0.01))
    assert (told.value.code, told.value.retryable) == ("timeout", True)


async def test_a_server_that_only_streams_is_not_asked_so() -> None:
    assert answering(Failing([])) is None
    assert answering(RetryingModel(Failing([]), AT_ONCE)) is None
    assert answering(RetryingModel(Direct([]), AT_ONCE)) is not None


async def test_a_script_says_the_same_either_way(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_bytes(write_script([line(text="Well")]))
    model = ScriptedModel(path)
    chunks = await collect(model, ask())
    assert chunks[-1] == ReplyCompleted(await model.reply(ask()))
    with pytest.raises(ModelError, match="has no reply"):
        await model.reply(attrs.evolve(ask(), turn=99))
