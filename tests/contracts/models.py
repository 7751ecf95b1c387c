"""The conformance suite of the model port: what every adapter promises, on both event loops."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import anyio
import pytest

from orket.domain.errors import ModelError
from orket.domain.identifiers import CardId
from orket.domain.models import (
    CallDelta,
    ChatMessage,
    ChatRole,
    ModelChunk,
    ModelReply,
    ModelRequest,
    ProposedCall,
    ReplyCompleted,
    TextDelta,
    Usage,
)
from orket.domain.ports import ModelClient
from orket.infrastructure.assets.scripts import ScriptedReply

Opening = Callable[[Sequence[ScriptedReply]], ModelClient]

LONG = "A guard reads what was written before it decides anything. " * 20


def ask(card: str = "A", turn: int = 1, seat: str = "builder", timeout_s: float = 30.0) -> ModelRequest:
    """A question; only its place, which a server reads from the message, and its time limit matter here."""
    place = ChatMessage(role=ChatRole.USER, content=f"{card}/{turn}")
    return ModelRequest(
        card=CardId(card), turn=turn, seat=seat, model="any", messages=(place,), timeout_s=timeout_s
    )


def line(card: str = "A", turn: int = 1, text: str = LONG, delay_s: float = 0.0) -> ScriptedReply:
    """What the model behind the adapter shall answer."""
    call = ProposedCall(name="read_file", arguments_json='{"path":"a.txt"}')
    usage = Usage(input_tokens=9, output_tokens=3)
    reply = ModelReply(text=text, calls=(call,), usage=usage, model="any")
    return ScriptedReply(card=CardId(card), turn=turn, seat=None, reply=reply, delay_s=delay_s)


async def collect(model: ModelClient, request: ModelRequest) -> list[ModelChunk]:
    """Read a stream to its end."""
    async with model.stream(request) as chunks:
        return [chunk async for chunk in chunks]


async def reply_of(model: ModelClient, request: ModelRequest) -> ModelReply:
    """Ask and return the whole reply."""
    last = (await collect(model, request))[-1]
    assert isinstance(last, ReplyCompleted)
    return last.reply


@pytest.mark.anyio
class ModelContract:
    """What every adapter keeps; a subclass offers ``opening``, an adapter over given replies."""

    async def test_pieces_first_and_the_whole_reply_last(self, opening: Opening) -> None:
        wanted = line()
        *pieces, last = await collect(opening([wanted]), ask())
        assert last == ReplyCompleted(wanted.reply)
        texts = [one.text for one in pieces if isinstance(one, TextDelta)]
        assert len(texts) > 1
        assert "".join(texts) == LONG
        told = [one for one in pieces if isinstance(one, CallDelta)]
        assert len(texts) + len(told) == len(pieces)
        assert {(one.index, one.tool) for one in told} == {(0, "read_file")}
        assert json.loads("".join(one.text for one in told)) == {"path": "a.txt"}

    async def test_a_reply_without_text_has_no_pieces_of_text(self, opening: Opening) -> None:
        wanted = line(text="")
        *pieces, last = await collect(opening([wanted]), ask())
        assert last == ReplyCompleted(wanted.reply)
        assert pieces
        assert all(isinstance(one, CallDelta) for one in pieces)

    async def test_the_same_question_again(self, opening: Opening) -> None:
        model = opening([line()])
        assert await collect(model, ask()) == await collect(model, ask())

    async def test_many_at_once_do_not_mix(self, opening: Opening) -> None:
        model = opening([line(f"C{number}", text=f"{number} " * 50) for number in range(20)])
        replies: dict[int, ModelReply] = {}

        async def one(number: int) -> None:
            replies[number] = await reply_of(model, ask(f"C{number}"))

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(one, number)
        assert {number: reply.text for number, reply in replies.items()} == {
            number: f"{number} " * 50 for number in range(20)
        }

    async def test_leaving_early_stops_the_request(self, opening: Opening) -> None:
        model = opening([line(), line(turn=2)])
        async with model.stream(ask()) as chunks:
            assert isinstance(await anext(chunks), TextDelta)
        assert (await reply_of(model, ask(turn=2))).text == LONG

    async def test_leaving_before_the_first_piece(self, opening: Opening) -> None:
        with anyio.fail_after(10):
            async with opening([line(delay_s=600.0)]).stream(ask(timeout_s=600.0)):
                pass

    async def test_an_error_of_the_reader_stays_itself(self, opening: Opening) -> None:
        class Mine(Exception):
            pass

        async def read_and_fail(model: ModelClient) -> None:
            async with model.stream(ask()) as chunks:
                await anext(chunks)
                raise Mine

        with pytest.raises(Mine):
            await read_and_fail(opening([line()]))

    async def test_the_reader_may_be_cancelled(self, opening: Opening) -> None:
        model = opening([line(delay_s=600.0), line(turn=2)])
        with anyio.move_on_after(0.05) as scope:
            await collect(model, ask(timeout_s=600.0))
        assert scope.cancelled_caught
        assert (await reply_of(model, ask(turn=2))).text == LONG

    async def test_the_time_limit_holds(self, opening: Opening) -> None:
        with anyio.fail_after(10), pytest.raises(ModelError) as told:
            await collect(opening([line(delay_s=600.0)]), ask(timeout_s=0.01))
        assert (told.value.code, told.value.retryable) == ("timeout", True)

    async def test_a_question_nobody_can_answer(self, opening: Opening) -> None:
        with pytest.raises(ModelError) as told:
            await collect(opening([line()]), ask("B", turn=7))
        assert told.value.code
        assert not told.value.retryable
        assert "B" in told.value.detail
        assert "7" in told.value.detail
