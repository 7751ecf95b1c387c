"""What is recorded is replayed to the byte, and the file is whole at any moment."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orket.domain.errors import ModelError
from orket.domain.identifiers import CardId
from orket.domain.models import (
    FinishReason,
    ModelChunk,
    ModelReply,
    ModelRequest,
    ProposedCall,
    ReplyCompleted,
    TextDelta,
    Usage,
)
from orket.infrastructure.assets.scripts import ScriptedReply, read_script, write_script
from orket.infrastructure.models.recording import Recorder, RecordingModel
from orket.infrastructure.models.scripted import ScriptedModel
from tests.contracts.models import ModelContract, Opening, ask, line, reply_of

# small files; the loop may wait for them

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TOKENS = st.integers(0, 2**53)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
# Models write arguments as they like: canonical, spaced, not even JSON.
ARGUMENTS = (
    TEXT
    | st.dictionaries(TEXT, JSON, max_size=3).map(repr)
    | st.sampled_from(
        ['{"a":1}', '{ "a" : 1 }', '{"a":1e999}', '{"a":NaN}', '{"a":"\\ud800"}', "[" * 5000, "[]", ""]
    )
    | st.builds(lambda depth: '{"a":' * depth + "1" + "}" * depth, st.integers(1, 2000))
)
CALLS = st.builds(ProposedCall, name=TEXT.filter(bool), arguments_json=ARGUMENTS, ref=TEXT)
REPLIES = st.builds(
    ModelReply,
    text=TEXT,
    calls=st.lists(CALLS, max_size=3).map(tuple),
    finish=st.sampled_from(FinishReason),
    usage=st.builds(Usage, input_tokens=TOKENS, output_tokens=TOKENS),
    model=TEXT,
)
LINES = st.builds(
    ScriptedReply,
    card=TEXT.filter(bool).map(CardId),
    turn=st.integers(1, 2**31),
    seat=st.none() | TEXT,
    reply=REPLIES,
    delay_s=st.floats(0, 600),
)


class Saying:
    """A model server that says the same to everybody."""

    def __init__(self, reply: ModelReply) -> None:
        self._reply = reply

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        async with aclosing(self._chunks()) as chunks:
            yield chunks

    async def _chunks(self) -> AsyncGenerator[ModelChunk]:
        yield TextDelta(self._reply.text)
        yield ReplyCompleted(self._reply)


class TestRecordingModel(ModelContract):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        numbers = itertools.count()

        def opening(replies: Sequence[ScriptedReply]) -> RecordingModel:
            path = tmp_path / f"{next(numbers)}.json"
            path.write_bytes(write_script(replies))
            return RecordingModel(ScriptedModel(path), Recorder(path.with_suffix(".out.json")))

        return opening


@given(st.lists(LINES, max_size=4, unique_by=lambda one: (one.card, one.turn, one.seat)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_gives_back_what_was_written(tmp_path: Path, lines: list[ScriptedReply]) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(write_script(lines))
    assert read_script(path, "s.json") == tuple(lines)


@given(REPLIES, st.integers(1, 99), TEXT.filter(bool), TEXT)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_replay_after_recording_is_the_identity(
    tmp_path: Path, reply: ModelReply, turn: int, card: str, seat: str
) -> None:
    request = ask(card, turn, seat)
    path = tmp_path / "recorded.json"

    async def record_and_replay() -> ModelReply:
        assert await reply_of(RecordingModel(Saying(reply), Recorder(path)), request) == reply
        return await reply_of(ScriptedModel(path), request)

    assert anyio.run(record_and_replay) == reply


@pytest.mark.anyio
async def test_recordings_of_one_engine_share_a_file_and_a_resumed_one_continues(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "recorded.json"
    recorder = Recorder(path)
    models = [RecordingModel(Saying(line(text=name).reply), recorder) for name in ("first", "second")]

    async def ask_both(number: int) -> None:
        await reply_of(models[number % 2], ask(f"C{number}"))

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(ask_both, number)
    later = RecordingModel(Saying(line(text="later").reply), Recorder(path))
    await reply_of(later, ask("C0"))
    await reply_of(later, ask("C10"))

    replies = {one.card: one.reply.text for one in read_script(path, "recorded.json")}
    assert replies == {f"C{n}": ("first", "second")[n % 2] for n in range(10)} | {
        "C0": "later",
        "C10": "later",
    }
    assert [one.name for one in path.parent.iterdir()] == ["recorded.json"]


@pytest.mark.anyio
async def test_a_reply_that_cannot_be_recorded_is_not_handed_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    model = RecordingModel(Saying(line().reply), Recorder(tmp_path / "file" / "recorded.json"))
    with pytest.raises(ModelError, match=r"recorded\.json") as told:
        await reply_of(model, ask())
    assert (told.value.code, told.value.retryable) == ("recording", False)


@pytest.mark.anyio
async def test_a_file_that_is_no_script_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('{"mine": 1}', encoding="utf-8")
    with pytest.raises(ModelError, match="mine"):
        await reply_of(RecordingModel(Saying(line().reply), Recorder(path)), ask())
    assert path.read_text(encoding="utf-8") == '{"mine": 1}'
