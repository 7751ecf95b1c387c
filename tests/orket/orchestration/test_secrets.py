"""A secret that the engine was told of never reaches the database, whoever brings it up."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orket.domain.runs import RunState, RunStatus
from orket.settings import load_settings
from tests.orket.domain.test_redaction import our_own
from tests.orket.kit import JSON, Bench, call, issue, reply, status

pytestmark = pytest.mark.anyio

SECRET = 'correct-horse"battery\\staple'
SHAPED = "sk-" + "a1B2" * 8


def story(secret: str) -> list[JSON]:
    """Everything a model may do with a secret: say it, write it, run it, read it, remark it, ask for it."""
    shout = call("run_command", argv=["sh", "-c", "cat leak; cat leak >&2; exit 3"])
    copy = call("write_file", path="copy", content=f"x {secret}")
    ask = call("run_command", argv=["echo", secret])
    remark = call("add_issue_comment", comment=f"see {secret}")
    return [
        reply("A", 1, shout, call("read_file", path="leak"), copy, ask, text=f"so {secret}"),
        reply("A", 2, remark, call(f"no {secret}", arg=secret), call("read_file", path=f"x/{secret}")),
        reply("A", 3, status("code_review", reason=f"because {secret}"), status("code_review")),
        reply("A", 4, status("done"), text=secret),
    ]


def texts(value: object) -> list[str]:
    """All texts in a JSON value, and in the JSON that they hold."""
    if isinstance(value, str):
        try:
            inner = json.loads(value) if value[:1] in ("{", "[") else None
        except ValueError:
            inner = None
        return [value, *texts(inner)]
    if isinstance(value, dict):
        return [*value, *(one for part in value.values() for one in texts(part))]
    return [one for part in value for one in texts(part)] if isinstance(value, list) else []


def stored(database: Path) -> list[str]:
    """Every text in every event and blob, however deep, and each body as it stands."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT body FROM events UNION ALL SELECT body FROM blobs").fetchall()
        lists = connection.execute(
            "SELECT reason || target FROM runs UNION ALL SELECT body FROM cards"
        ).fetchall()
    bodies = [one if isinstance(one, str) else one.decode() for (one,) in rows + lists]
    return [*bodies, *(text for one in bodies for text in texts(one))]


async def tell(bench: Bench, secret: str) -> RunState:
    epic = bench.epic([issue("A", description=f"use {secret}")], story(secret))
    (bench.workspace / "leak").write_text(f"the key is {secret}\n")
    return await bench.drive(epic)


@pytest.mark.parametrize("secret", [SECRET, SHAPED])
async def test_no_event_and_no_blob_holds_it(tmp_path: Path, secret: str) -> None:
    bench = Bench(tmp_path)
    environ = {"ORKET_DATA_DIR": "data", "MY_API_KEY": SECRET}
    bench.settings = load_settings(environ, tmp_path, model_dir=bench.model)
    state = await tell(bench, secret)
    assert state.status is RunStatus.DONE, state.reason
    found = stored(bench.settings.db_path)
    assert len(found) > 100
    assert not [one for one in found if secret in one or json.dumps(secret)[1:-1] in one]
    assert any("[redacted:" in one for one in found)
    assert not (bench.workspace / "copy").exists()
    results = [one.result for turn in state.turns[next(iter(state.issues))] for one in turn.calls]
    assert sum(1 for one in results if one is not None and "denied by secret" in one.output) >= 3


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=st.text(st.characters(categories=("L", "N", "P", "S")), min_size=8, max_size=20))
async def test_whatever_it_is(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    if our_own(secret) or any(one in secret for one in "[]{}:,\"'"):
        return
    bench = Bench(tmp_path_factory.mktemp("secret"))
    bench.settings = attrs.evolve(bench.settings, secrets=(secret,))
    await tell(bench, secret)
    assert not [one for one in stored(bench.settings.db_path) if secret in one]
