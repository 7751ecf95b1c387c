"""``orket explain``, ``orket ledger verify | export`` and ``orket db`` on a real run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from orket.interfaces.cli.app import main
from tests.orket.cli.assets import FINISH, model_dir, write

DENY = {"effect": "deny", "tool": "write_file", "path": "locked/*"}
DATABASE = Path(".orket/durable/orket.db")


@attrs.frozen
class Told:
    code: int
    out: str
    err: str


Here = Callable[..., Told]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Run a command in this process, in a directory where a run has taken place."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Told:
        capfd.readouterr()
        code = main(words)
        return Told(code, *capfd.readouterr())

    calls = [
        write("locked/a"),
        write("b"),
        ("run_command", {"argv": ["sh", "-c", "echo no; exit 4"]}),
        FINISH,
    ]
    epic = model_dir(tmp_path / "model", calls, policy=[DENY])
    assert call("run", str(epic), "--workspace", "w", "--json").code == 0
    return call


@pytest.fixture
def run(here: Here) -> str:
    (one,) = (json.loads(line) for line in here("runs", "--json").out.splitlines())
    return str(one["id"])


def test_a_denied_call_names_rule_and_policy(here: Here, run: str) -> None:
    told = here("explain", run, "S-1/1/0")
    assert told.code == 0
    lines = {line.split()[0]: line for line in told.out.splitlines() if line.strip()}
    assert lines["verdict"].split()[1] == "deny"
    assert 'policy/0 {"effect": "deny", "tool": "write_file", "path": "locked/*"' in lines["rule"]
    assert "version " in lines["policy"]
    assert lines["seat"] == "seat       builder (roles: builder_role)"
    assert lines["card"] == "card       S-1, in_progress when it was judged"
    assert "failed (denied)" in lines["result"]
    assert lines["receipt"].startswith("receipt    event ")


def test_an_allowed_call_has_intent_and_receipt_in_this_order(here: Here, run: str) -> None:
    told = here("explain", run[:5], f"{run}/S-1/1/1")
    assert "rule     role_tools" in told.out
    assert told.out.index("proposed") < told.out.index("intent ") < told.out.index("receipt")
    assert '"b"' in told.out
    kinds = [json.loads(line)["kind"] for line in here("explain", run, "S-1/1/1", "--json").out.splitlines()]
    assert kinds == ["ModelReplied", "ToolCallIntended", "ToolCallFinished"]


def test_a_failed_command_tells_its_output(here: Here, run: str) -> None:
    assert "failed (nonzero)" in here("explain", run, "S-1/1/2").out


@pytest.mark.parametrize(("call", "said"), [("S-1/9/0", "has no tool call"), ("nonsense", "is no call id")])
def test_what_there_is_not(here: Here, run: str, call: str, said: str) -> None:
    told = here("explain", run, call)
    assert (told.code, told.out) == (2, "")
    assert said in told.err


def test_a_ledger_that_nobody_touched_verifies(here: Here, run: str) -> None:
    told = here("ledger", "verify")
    assert told.code == 0
    assert told.out.startswith("✔ ")
    anchor = told.out.split()[-1]
    assert here("ledger", "verify", "--anchor", anchor).code == 0
    report = json.loads(here("ledger", "verify", "--json").out)
    assert report["ok"]
    assert f"{report['end']['seq']}:{report['end']['link']}" == anchor


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE events SET body = CAST(replace(body, 'locked', 'lacked') AS BLOB) WHERE seq > 5",
        "UPDATE events SET at = at + 1 WHERE seq = 3",
        "DELETE FROM events WHERE seq = 5",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        "UPDATE blobs SET body = x'00' WHERE id = 1",
        "UPDATE runs SET status = 'failed'",
    ],
)
def test_a_ledger_that_somebody_touched_does_not(here: Here, run: str, harm: str) -> None:
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        assert connection.execute(harm).rowcount > 0
        connection.commit()
    told = here("ledger", "verify")
    assert told.code == 1
    assert "✘" in told.out


def test_an_older_copy_shows_against_an_anchor(here: Here, run: str, tmp_path: Path) -> None:
    assert here("db", "backup", "old.db").code == 0
    epic = model_dir(tmp_path / "again", [write("c"), FINISH])
    assert here("run", str(epic), "--workspace", "w2", "--json").code == 0
    anchor = here("ledger", "verify").out.split()[-1]
    DATABASE.with_name("orket.db-wal").unlink(missing_ok=True)
    Path("old.db").rename(DATABASE)
    assert here("ledger", "verify").code == 0
    told = here("ledger", "verify", "--anchor", anchor)
    assert told.code == 1
    assert "an older copy" in told.out


def test_an_export_is_verified_without_its_database(here: Here, run: str) -> None:
    made = here("ledger", "export", "ledger.jsonl", "--blobs")
    assert made.code == 0
    assert "exported up to" in made.err
    assert here("ledger", "export", "ledger.jsonl").code == 1
    key = Path("key")
    DATABASE.with_name("orket.db.key").rename(key)
    DATABASE.unlink()
    whole = here("ledger", "verify", "ledger.jsonl", "--key", str(key))
    assert whole.code == 0
    assert "as it was written" in whole.out
    assert "give --key" in here("ledger", "verify", "ledger.jsonl").out
    lines = Path("ledger.jsonl").read_text().splitlines(keepends=True)
    for harmed in (
        lines[:-1],
        lines[1:],
        [*lines[:4], *lines[5:]],
        [lines[0], lines[2], lines[1], *lines[3:]],
    ):
        Path("harmed.jsonl").write_text("".join(harmed))
        assert here("ledger", "verify", "harmed.jsonl").code == 1
    assert here("ledger", "verify", "harmed.jsonl", "--key", "nowhere").code == 1


def test_standard_output_takes_an_export(here: Here, run: str) -> None:
    told = here("ledger", "export")
    first, *_, last = (json.loads(line) for line in told.out.splitlines())
    assert first == {"line": "ledger", "format": 1}
    assert last["line"] == "anchor"


def test_what_an_anchor_looks_like(here: Here) -> None:
    for wrong in ("5", "5:ab", f"x:{'0' * 64}", f"5:{'g' * 64}"):
        told = here("ledger", "verify", "--anchor", wrong)
        assert told.code == 2
        assert "SEQ:LINK" in told.err


def test_the_database_is_looked_after(here: Here, run: str) -> None:
    checked = here("db", "check")
    assert checked.code == 0
    assert checked.out.startswith("✔ ")
    assert json.loads(here("db", "check", "--json").out)["problems"] == []
    assert here("db", "backup", "copy/x.db").code == 1
    assert here("db", "backup", "copy.db").code == 0
    again = here("db", "backup", "copy.db")
    assert again.code == 1
    assert "exists already" in again.err
    with closing(sqlite3.connect("copy.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    migrated = here("db", "migrate")
    assert migrated.code == 0
    assert {line.split()[0] for line in migrated.out.splitlines()} == {"was"}


def test_migrate_makes_a_database(here: Here) -> None:
    told = here("db", "migrate", "--data-dir", "new")
    assert told.code == 0
    assert {line.split()[0] for line in told.out.splitlines()} == {"applied"}
    assert here("db", "check", "--data-dir", "new").code == 0


@pytest.mark.parametrize(
    "words",
    [("db", "check"), ("ledger", "verify"), ("ledger", "export", "copy.jsonl"), ("db", "backup", "x")],
)
def test_no_database(here: Here, words: tuple[str, ...]) -> None:
    told = here(*words, "--data-dir", "nowhere")
    assert told.code == 1
    assert "there is no database" in told.err
    assert not Path("nowhere").exists()
    assert not Path("copy.jsonl").exists()


def test_a_damaged_file_and_a_missing_key_are_problems(here: Here) -> None:
    DATABASE.with_name("orket.db.key").unlink()
    told = here("db", "check")
    assert told.code == 1
    assert "is missing" in told.out
