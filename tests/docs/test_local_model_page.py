"""The page about a local model, an MCP server and an approval works from its own files and commands."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from orket.domain.errors import AssetError
from orket.infrastructure.models.weights import find
from orket.settings import load_settings

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "local-model-and-approval.md"
FILE = re.compile(r"^`(model/[^`]+)`.*?^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
MODEL = "qwen2.5-coder-1.5b"
TOOL = "time__get_current_time"
TIMEOUT_S = 3_000
SCRIPT = [
    ("clerk", TOOL, {"timezone": "Europe/Vienna"}),
    ("clerk", "write_file", {"path": "time.txt", "content": "about noon"}),
    ("clerk", "update_issue_status", {"status": "code_review"}),
    ("guard", "read_file", {"path": "time.txt"}),
    ("guard", "update_issue_status", {"status": "done"}),
]

pytestmark = pytest.mark.skipif(
    find_spec("mcp") is None or find_spec("mcp_server_time") is None,
    reason="needs the extra 'mcp' and the package mcp-server-time",
)


def orket(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as it stands on the page, with the programs of this environment on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "orket", *words],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def walked(folder: Path, *model: str) -> str:
    """Write the files of the page, follow its commands, and return what the file says in the end."""
    files = FILE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(files) == 6
    for place, content in files:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(content, encoding="utf-8")
    assert "needs_approval" in orket(folder, "mcp", "list").stdout
    assert orket(folder, "mcp", "approve", "time").returncode == 0
    ran = orket(folder, "run", "clock", "--workspace", "work", *model)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    (waits,) = map(json.loads, orket(folder, "approvals", "--json").stdout.splitlines())
    assert (waits["call"]["tool"], (folder / "work/time.txt").exists()) == (TOOL, False)
    approved = orket(folder, "approve", waits["id"])
    assert approved.returncode == 0, approved.stdout + approved.stderr
    return (folder / "work/time.txt").read_text(encoding="utf-8")


def test_the_page_with_answers_from_a_file(tmp_path: Path) -> None:
    replies = [
        {"card": "CLOCK-1", "turn": turn, "seat": seat, "tool_calls": [{"name": name, "arguments": given}]}
        for turn, (seat, name, given) in enumerate(SCRIPT, 1)
    ]
    (tmp_path / "replies.json").write_text(json.dumps({"replies": replies}))
    assert walked(tmp_path, "--model", "scripted:replies.json") == "about noon"


@pytest.mark.model
def test_the_page_with_the_model_it_names(tmp_path: Path) -> None:
    settings = load_settings(os.environ, Path.cwd())
    try:
        find(MODEL, settings.weights_dir, settings.cwd)
    except AssetError as error:
        pytest.skip(error.reason)
    assert re.search(r"20\d\d-\d\d-\d\d|\d\d:\d\d", walked(tmp_path)), "the time, as the tool told it"
