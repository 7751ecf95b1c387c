"""Every command is carried out by a bridge that is named, or says why it is one of this machine."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from cyclopts import App

from orket.bootstrap import make_key, open_keys
from orket.client import ClientProblem, OrketClient
from orket.domain.keys import Scope
from orket.interfaces.cli.app import build, main
from orket.interfaces.cli.remotely import COMMANDS, Here, There
from orket.interfaces.routes import OPERATIONS
from orket.settings import load_settings
from tests.orket.cli.assets import FINISH, model_dir, write
from tests.orket.cli.terminal import line_with, orket, running

# What a program asks for, and no person at a command line: or what a command reads from the events.
_NO_COMMAND = {
    *(
        "getLiveness",
        "getReadiness",
        "getHeartbeat",
        "getMetrics",
        "getVersion",
        "getEngine",
        "getApiCatalog",
    ),
    *("listRunToolCalls", "listRunTurns", "getRunCard", "getRunBoard", "getRunDiagnosis", "listCards"),
    *("getApproval", "listBudgets", "getRunBudget", "listOperations", "getOperation", "cancelOperation"),
    *("listSessions", "getSession", "listMessages", "saySomething", "acceptProposal"),
    *("listSandboxes", "getSandbox", "getSandboxLogs", "getCalendar", "hearGitea"),
    *("listWorkspaceFiles", "getWorkspaceFile", "saveWorkspaceFile", "openSession"),
}


def commands(app: App, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    for name in app:
        if not name.startswith("-"):
            words, below = (*prefix, name), app[name]
            if any(not one.startswith("-") for one in below):
                yield from commands(below, words)
            else:
                yield " ".join(words)


def test_the_table_has_every_command_and_nothing_else() -> None:
    assert set(COMMANDS) == set(commands(build()))


def test_what_it_names_is_there() -> None:
    operations = {one.name for one in OPERATIONS}
    named: set[str] = set()
    for command, way in COMMANDS.items():
        if isinstance(way, There):
            assert set(way.operations) <= operations, command
            assert all(inspect.isfunction(getattr(OrketClient, one, None)) for one in way.methods), command
            named |= {*way.operations}
        else:
            assert len(way.because) > 10
    assert named | _NO_COMMAND == operations
    assert not named & _NO_COMMAND


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """A run on a view of a project, and the engine that has it, served; its data directory, address, run."""
    home = tmp_path_factory.mktemp("house")
    project = home / "project"
    project.mkdir()
    (project / "old.txt").write_text("old\n")
    remember = ("remember", {"text": "Amounts are whole cents."})
    epic = model_dir(home / "model", [write("new.txt"), remember], [FINISH])
    ran = orket("run", str(epic), "--project", "project", "--json", cwd=home)
    run = str(json.loads(ran.stdout.splitlines()[0])["run_id"])
    with running("serve", "--port", "0", cwd=home) as engine:
        found = re.search(r"http://\S+", line_with(engine, "serving", of="stderr"))
        assert found is not None
        yield home, found[0], run


Tell = Callable[..., str]


@pytest.fixture
def tell(
    house: tuple[Path, str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Tell:
    """Give a command from a directory without a database, and return what it prints."""
    monkeypatch.chdir(tmp_path)

    def given(*words: str, code: int = 0) -> str:
        assert main(["--url", house[1], *words]) == code
        told = capfd.readouterr()
        assert not [one.name for one in tmp_path.iterdir()], f"{words} were carried out here"
        return str(told.err if code else told.out)

    return given


def test_looking(house: tuple[Path, str, str], tell: Tell) -> None:
    run = house[2]
    for words in (["runs"], ["card", run, "S-1"], ["why-blocked", run], ["bugs"], ["approvals"]):
        tell(*words)
    assert "new.txt" in tell("cards", run)
    assert "RunFinished" in tell("events", run, "--json")
    assert "write_file" in tell("explain", run, "S-1/1/0")
    assert "reproduced" in tell("replay", run)
    assert "RunAccepted" in tell("ledger", "show", run)
    assert "as it was written" in tell("ledger", "verify")
    assert json.loads(tell("ledger", "verify", "--json"))["ok"] is True
    assert "planner_node" in tell("nodes")
    assert "no prompt follows" in tell("prompt", run, "S-1", code=1)
    assert json.loads(tell("prompt", run, "S-1", "--turn", "1"))["messages"]
    tell("memory", "search", "cents")
    tell("sandbox", "list")


def test_the_memory(tell: Tell) -> None:
    assert tell("memory", "add", "Totals", "are", "rounded", "down").startswith("remembered: ")
    number = tell("memory", "search", "rounded").split()[0]
    assert tell("memory", "forget", number, "--reason", "up, it is").startswith(f"forgotten: {number} ")
    assert tell("memory", "search", "rounded") == ""
    assert f"memory {number} was taken out already" in tell("memory", "forget", number, code=2)
    assert "in words" in tell("memory", "add", "!!", code=2)


def test_what_a_run_changed_and_what_becomes_of_it(house: tuple[Path, str, str], tell: Tell) -> None:
    home, _, run = house
    assert tell("diff", run, "--stat") == "added   new.txt\n"
    assert tell("diff", run).startswith("diff --git a/new.txt b/new.txt\nnew file mode 100644\n")
    assert json.loads(tell("diff", run, "--json"))["changes"][0]["path"] == "new.txt"
    assert "changed nothing there" in tell("diff", run, "old.txt", code=2)
    tell("workspace", "apply", run)
    assert (home / "project/new.txt").exists()
    tell("workspace", "rollback", run)
    assert not (home / "project/new.txt").exists()


def test_a_file_is_saved_there(house: tuple[Path, str, str], tell: Tell) -> None:
    _, url, run = house

    async def save() -> str:
        async with OrketClient.connect(url=url) as client:
            saved = await client.save_file(run, "mine.txt", b"mine", by="ada")
            await client.save_file(run, "mine.txt", b"yours", by="ada", replaces=saved.sha256)
            with pytest.raises(ClientProblem, match="no such file"):
                await client.save_file(run, "other.txt", b"x", by="ada", replaces="*")
        return saved.sha256

    assert len(anyio.run(save)) == 64
    assert "added   mine.txt" in tell("diff", run, "--stat")
    assert "saving mine.txt, 5 bytes, by ada" in tell("events", run)


def test_keys(house: tuple[Path, str, str], tell: Tell) -> None:
    keys = open_keys(load_settings({}, house[0]))
    key, token = make_key(keys, "ada", (Scope.READ,))
    assert key.id in tell("keys", "list")
    assert token not in tell("keys", "list", "--json")
    tell("keys", "revoke", key.id)
    assert "revoked" in tell("keys", "list")
    assert "names nothing" in tell("keys", "revoke", "nosuch", code=1)


def test_project_sandboxes(tell: Tell) -> None:
    for words in (["show"], ["logs"], ["renew"], ["stop"], ["delete"], ["exec"]):
        more = ["web", "ls"] if words == ["exec"] else []
        assert "no project sandbox 'x'" in tell("sandbox", *words, "x", *more, code=2)


def test_halting(tell: Tell) -> None:
    tell("halt")
    tell("release")


@pytest.mark.parametrize("command", [one for one, way in COMMANDS.items() if isinstance(way, Here)])
def test_what_is_of_this_machine_says_why(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    way = COMMANDS[command]
    assert isinstance(way, Here)
    assert main([*command.split(), "--url", "http://127.0.0.1:1"]) == 2
    assert f"orket {command} works on this machine only ({way.because})" in capfd.readouterr().err
