"""Which model a name opens, and what is said about names that open none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from orket.decision_nodes.decisions import RetryPolicy
from orket.domain.errors import SettingsError
from orket.infrastructure.assets.scripts import ScriptedReply, read_script, write_script
from orket.infrastructure.models.recording import Recorder
from orket.infrastructure.models.selection import open_model
from tests.contracts.models import ModelContract, Opening, ask, line, reply_of

# small files; the loop may wait for them

ONCE = RetryPolicy(attempts_max=1, first_delay_s=0.0, delay_max_s=0.0)


class TestOpenedModel(ModelContract):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        def opening(replies: Sequence[ScriptedReply]) -> object:
            (tmp_path / "s.json").write_bytes(write_script(replies))
            return open_model("scripted:s.json", ONCE, cwd=tmp_path, recorder=Recorder(tmp_path / "out.json"))

        return opening  # type: ignore[return-value]  # a client, by its shape


@pytest.mark.anyio
async def test_a_recorded_run_replays(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(write_script([line()]))
    model = open_model("scripted:s.json", ONCE, cwd=tmp_path, recorder=Recorder(tmp_path / "out.json"))
    reply = await reply_of(model, ask())
    assert [one.reply for one in read_script(tmp_path / "out.json", "out.json")] == [reply]
    assert await reply_of(open_model("scripted:out.json", ONCE, cwd=tmp_path), ask()) == reply


@pytest.mark.anyio
async def test_the_adapter_may_be_named_apart(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(write_script([line()]))
    model = open_model("s.json", ONCE, adapter="scripted", cwd=tmp_path)
    assert await reply_of(model, ask()) == line().reply


@pytest.mark.parametrize(
    ("name", "adapter", "told"),
    [
        ("small-coder:3b", "", "'small-coder:3b'.*scripted:PATH.*local:NAME"),
        ("ollama:llama3", "ollama", "'ollama:llama3'.*scripted:PATH"),
        ("", "", "no model is named.*scripted:PATH"),
        ("scripted:", "", "names no script"),
    ],
)
def test_what_is_not_offered(name: str, adapter: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        open_model(name, ONCE, adapter=adapter)


def test_a_scripted_model_needs_no_http_client() -> None:
    code = (
        "import sys, orket.bootstrap, orket.infrastructure.models.selection\n"
        "print([one for one in sys.modules if one.startswith(('httpx', 'httpcore', 'xllamacpp'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
