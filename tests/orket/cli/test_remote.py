"""What another process's engine refuses reads as if it had been ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.client import ClientProblem, Unreachable
from orket.domain import errors as e
from orket.domain.errors import OrketError
from orket.domain.events import RunPaused
from orket.domain.models import TextDelta
from orket.infrastructure.lock import EngineLock
from orket.interfaces.cli.app import main
from orket.interfaces.cli.exits import BadInput
from orket.interfaces.cli.remote import _error, connect
from orket.interfaces.problems import problem_of
from orket.wire.errors import WireInvalid
from orket.wire.problems import Fault
from tests.orket.interfaces.serving import served
from tests.orket.interfaces.test_pieces import begun


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (e.RunNotFound("no run has the id 'x'"), e.RunNotFound, "no run has the id 'x'"),
        (e.RunConflict("it is done", allowed=["cancel"]), e.RunConflict, "it is done"),
        (e.RunDenied("too many runs"), e.RunDenied, "too many runs"),
        (e.AssetError("a.json", "/issues/0", "no seat"), e.AssetError, "a.json#/issues/0: no seat"),
        (e.CardNotFound("no epic 'x'"), BadInput, "no epic 'x'"),
        (WireInvalid([Fault(pointer="/parallel", detail="too many")]), BadInput, "/parallel: too many"),
        (e.StoreError("disk full"), ClientProblem, "disk full"),
    ],
)
def test_a_refusal_is_the_same_from_near_and_far(error: OrketError, kind: type[OrketError], detail: str):
    told = _error(ClientProblem(problem_of(error)))
    assert type(told) is kind
    assert told.detail.endswith(detail)
    assert getattr(told, "allowed", ()) == getattr(error, "allowed", ())


@pytest.mark.anyio
async def test_who_never_answers_is_given_up_on(tmp_path: Path):
    with pytest.raises(Unreachable):
        async with connect(str(tmp_path / "none.sock"), start_s=0.1):
            pass


def test_an_engine_that_does_not_answer_keeps_nobody_from_looking(tmp_path: Path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    lock = EngineLock(tmp_path / ".orket" / "durable" / "orket.db", socket=str(tmp_path / "none.sock"))
    with lock:
        assert main(["runs"]) == 1
    assert "there is no database at" in capfd.readouterr().err  # it looked for the database itself


@pytest.mark.anyio
async def test_what_models_write_is_seen_from_far(tmp_path: Path):
    with served(tmp_path) as bridge:
        run = bridge.run()
        writing = bridge.portal.call(begun, bridge.house, run, "Well, ")
        async with connect(str(bridge.path)) as remote, remote.pieces(run) as pieces:
            assert (await anext(pieces)).text == "Well, "
            bridge.append(run, RunPaused(by="ada"))  # told elsewhere, see ``events``
            bridge.portal.call(writing.hear, TextDelta("then. "))
            assert (await anext(pieces)).text == "then. "
