"""Watching what a model writes: all of it, in order, without a secret, and at nobody's expense."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.identifiers import CardId, RunId
from orket.domain.models import AskedAgain, CallDelta, ModelReply, ReplyCompleted, TextDelta
from orket.domain.pieces import PIECE_CHARS_MAX, Piece
from orket.domain.redaction import Redactor
from orket.domain.runs import RunStatus
from orket.orchestration.live import Live, Watcher
from orket.orchestration.messages import PauseRun
from tests.contracts.model_server import Break, Hold, model_server
from tests.contracts.models import ask
from tests.orket.kit import Bench, issue, plain, settled
from tests.orket.orchestration.test_models import DONE, REVIEW, WRITE, says

RUN = RunId("run1")
PROSE = "First I write the file, then I look at it. "


def told(pieces: tuple[Piece, ...]) -> list[tuple[int, int | None, int, str]]:
    """What matters of pieces."""
    return [(one.attempt, one.call, one.offset, one.text) for one in pieces]


def joined(pieces: list[Piece]) -> dict[tuple[CardId, int, int | None], str]:
    """The texts as a client keeps them: by card, turn and part, of the newest attempt."""
    texts: dict[tuple[CardId, int, int | None], str] = {}
    attempts: dict[tuple[CardId, int], int] = {}
    for one in pieces:
        if one.attempt > attempts.get((one.card_id, one.turn), 0):
            attempts[one.card_id, one.turn] = one.attempt
            texts = {key: text for key, text in texts.items() if key[:2] != (one.card_id, one.turn)}
        key = (one.card_id, one.turn, one.call)
        texts[key] = texts.get(key, "")[: one.offset] + one.text
    return texts


def test_a_late_watcher_gets_what_there_is_and_each_gets_everything_once() -> None:
    live = Live()
    with live.watch(RUN) as first, live.writing(RUN, ask("A", turn=3)) as writing:
        writing.begin("some:model")
        assert writing.watched
        writing.hear(TextDelta("Well, I "))
        assert told(first.take()) == [(1, None, 0, "Well, I ")]
        writing.hear(CallDelta(0, "write_file", '{"path": '))
        with live.watch(RUN) as late:
            assert told(late.take()) == [(1, None, 0, "Well, I "), (1, 0, 0, '{"path": ')]
            assert late.take() == ()
        (piece,) = first.take()
        assert (piece.card_id, piece.turn, piece.seat, piece.tool) == ("A", 3, "builder", "write_file")
        assert piece.model == "some:model"


def test_another_attempt_replaces_the_one_before() -> None:
    live = Live()
    with live.watch(RUN) as watcher, live.writing(RUN, ask()) as writing:
        writing.begin("some:model")
        writing.hear(TextDelta("Half of "))
        watcher.take()
        writing.hear(AskedAgain())
        assert told(watcher.take()) == [(2, None, 0, "")]
        writing.hear(TextDelta("Whole "))
        assert told(watcher.take()) == [(2, None, 0, "Whole ")]
        writing.begin("other:model")
        writing.hear(TextDelta("Other "))
        (void, piece) = watcher.take()
        assert (void.text, piece.text, piece.attempt, piece.model) == ("", "Other ", 3, "other:model")


def test_what_is_over_is_not_shown_and_nothing_is_kept_of_it() -> None:
    live = Live()
    with live.watch(RUN) as watcher:
        with live.writing(RUN, ask()) as writing:
            writing.begin("some:model")
            writing.hear(TextDelta("Never seen. "))
            writing.hear(ReplyCompleted(ModelReply(text="Never seen. ")))
        assert watcher.take() == ()
        assert not live.answers
    assert not live.watchers
    assert not writing.watched


def test_secrets_are_not_shown_and_what_may_become_one_is_held_back() -> None:
    live = Live(Redactor(("hunter2hunter2",)))
    with live.watch(RUN) as watcher, live.writing(RUN, ask()) as writing:
        writing.begin("some:model")
        writing.hear(TextDelta("The key is hunter2"))
        assert told(watcher.take()) == [(1, None, 0, "The key is ")]
        writing.hear(TextDelta("hunter2, "))
        assert told(watcher.take()) == [(1, None, 11, "[redacted:environment], ")]


@given(
    chunks=st.lists(st.tuples(st.sampled_from([None, 0, 1]), st.text(max_size=30)), max_size=40),
    looks=st.sets(st.integers(0, 40)),
)
def test_however_seldom_one_looks_the_text_is_the_same(
    chunks: list[tuple[int | None, str]], looks: set[int]
) -> None:
    live, seen, wanted = Live(), list[Piece](), dict[int | None, str]()
    with live.watch(RUN) as watcher, live.writing(RUN, ask()) as writing:
        writing.begin("some:model")
        for place, (call, text) in enumerate(chunks):
            writing.hear(TextDelta(text) if call is None else CallDelta(call, "tool", text))
            wanted[call] = wanted.get(call, "") + text
            if place in looks:
                seen += watcher.take()
        writing.hear(TextDelta("\n"))
        seen += watcher.take()
        shown = {key[2]: text for key, text in joined(seen).items()}
    assert all(wanted[call].startswith(shown.get(call, "").removesuffix("\n")) for call in wanted)


def test_a_long_text_comes_in_pieces_of_a_bounded_size() -> None:
    live = Live()
    with live.writing(RUN, ask()) as writing:
        writing.begin("some:model")
        writing.hear(TextDelta("word " * PIECE_CHARS_MAX))
        with live.watch(RUN) as watcher:
            pieces = list(watcher.take())
    assert len(pieces) == 5
    assert max(len(one.text) for one in pieces) == PIECE_CHARS_MAX
    assert joined(pieces) == {("A", 1, None): "word " * PIECE_CHARS_MAX}


async def until(watcher: Watcher, seen: list[Piece], attempt: int) -> None:
    """Watch until some of an attempt has been shown."""
    with anyio.fail_after(20):
        while not (seen and seen[-1].attempt == attempt and seen[-1].text.startswith("First I write")):
            await watcher.changed()
            seen += watcher.take()


@pytest.mark.anyio
async def test_a_run_is_watched_while_its_model_writes(tmp_path: Path) -> None:
    bench, go_on, seen = Bench(tmp_path), anyio.Event(), list[Piece]()
    epic = bench.epic([issue("A")], plain("A"))
    async with model_server() as server, bench.engine() as orket:
        server.faults = [Break(3, "drop"), Hold(3, go_on), says("", WRITE, REVIEW), says("", DONE)]
        server.everything = ModelReply(text=PROSE * 3)
        bench.write("environments/work.json", {"name": "work", "model": f"openai:any@{server.url('openai')}"})
        run_id = await bench.start(orket, epic)
        with orket.live.watch(run_id) as watcher:
            await until(watcher, seen, attempt=2)
            assert e.ModelReplied not in {type(one.event) for one in await orket.ledger.read(run_id)}
            go_on.set()
            state = await settled(orket, run_id)
            assert watcher.take() == ()
    assert state.status is RunStatus.DONE


@pytest.mark.anyio
async def test_a_paused_run_writes_nothing(tmp_path: Path) -> None:
    bench, seen = Bench(tmp_path), list[Piece]()
    epic = bench.epic([issue("A")], plain("A"))
    async with model_server() as server, bench.engine() as orket:
        server.faults = [Break(3, "silent")]
        server.everything = ModelReply(text=PROSE * 3)
        bench.write("environments/work.json", {"name": "work", "model": f"openai:any@{server.url('openai')}"})
        run_id = await bench.start(orket, epic)
        with orket.live.watch(run_id) as watcher:
            await until(watcher, seen, attempt=1)
            await orket.engine.ask(PauseRun(run_id=run_id, by="ada"))
            await settled(orket, run_id)
            assert watcher.take() == ()
            assert not orket.live.answers
