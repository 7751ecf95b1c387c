"""The way to MCP servers written with the SDK: over stdio and over HTTP."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from orket.bootstrap import ladder
from orket.domain.errors import McpError
from orket.domain.identifiers import RunId
from orket.domain.mcp import McpAnswer, McpServer, McpTool
from orket.domain.mcp_ports import McpLink
from orket.domain.sandboxes import Command, CommandResult, SandboxSpec
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.services.sandbox import choose_driver

pytest.importorskip("mcp", reason="needs the extra 'mcp'")
from orket.infrastructure.mcp.connecting import SdkConnector

pytestmark = pytest.mark.anyio
SERVER = Path(__file__).parent.parent / "mcp_server.py"


class Talked:
    """Uses a session as a run would."""

    def __init__(self) -> None:
        self.tools: tuple[McpTool, ...] = ()
        self.answers: list[McpAnswer] = []

    async def use(self, link: McpLink) -> None:
        self.tools = await link.tools()
        for tool, arguments in (
            ("write_note", {"name": "a", "text": "one\ntwo"}),
            ("read_note", {"name": "a", "lines": 1}),
            ("read_note", {"name": "missing"}),
        ):
            self.answers.append(await link.call(tool, arguments))

    def check(self) -> None:
        told = [(one.name, one.read_only, one.idempotent) for one in self.tools]
        assert told == [("read_note", True, False), ("write_note", False, True)]
        assert [one.text for one in self.answers[:2]] == ["7 characters", "one"]
        assert self.answers[2].failed


async def test_over_stdio(tmp_path: Path) -> None:
    sandbox = await ProcessDriver().open(SandboxSpec(run_id=RunId("r"), workspace=str(tmp_path), levels=()))
    talked = Talked()
    try:
        server = McpServer(name="notes", command=(sys.executable, str(SERVER)))
        await SdkConnector().visit(server, sandbox.run, talked.use)
    finally:
        await sandbox.close()
    talked.check()
    assert (tmp_path / "a.txt").read_text() == "one\ntwo"


@contextmanager
def serving(folder: Path, *token: str) -> Iterator[str]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, str(SERVER), str(port), *token]
    process = subprocess.Popen(argv, cwd=folder, stderr=subprocess.PIPE)
    assert process.stderr is not None
    while b"Uvicorn running" not in (line := process.stderr.readline()):
        assert line, "the server did not start"
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.communicate()


async def nothing_runs(command: Command) -> CommandResult:
    raise AssertionError(command)


async def test_over_http_and_nobody_there(tmp_path: Path) -> None:
    talked = Talked()
    with serving(tmp_path) as url:
        server = McpServer(name="notes", url=url)
        await SdkConnector().visit(server, nothing_runs, talked.use)
    talked.check()
    with pytest.raises(McpError, match="MCP server notes: "):
        await SdkConnector().visit(server, nothing_runs, talked.use)


async def test_a_server_that_wants_a_token_gets_its_own_and_no_other(tmp_path: Path) -> None:
    talked = Talked()
    with serving(tmp_path, "token-of-the-notes") as url:
        server = McpServer(name="notes", url=url)
        await SdkConnector(keys={f"{url}/any/path": "token-of-the-notes"}).visit(
            server, nothing_runs, talked.use
        )
        for keys in ({}, {url: "another"}, {"https://127.0.0.1/mcp": "token-of-the-notes"}):
            with pytest.raises(McpError, match="MCP server notes: ") as told:
                await SdkConnector(keys=keys).visit(server, nothing_runs, talked.use)
            assert "token" not in str(told.value)
    talked.check()


async def test_a_token_is_not_sent_where_others_can_read_it() -> None:
    server, url = Talked(), "http://192.0.2.1:9/mcp"
    with pytest.raises(McpError, match="its key would be readable on the way; use https"):
        await SdkConnector(keys={url: "k"}).visit(McpServer(name="n", url=url), nothing_runs, server.use)


@pytest.mark.skipif(find_spec("mcp_server_time") is None, reason="needs the package mcp-server-time")
async def test_a_server_from_a_package_in_the_strictest_sandbox_there_is_here(tmp_path: Path) -> None:
    answers = []

    async def use(link: McpLink) -> None:
        assert {"get_current_time", "convert_time"} <= {one.name for one in await link.tools()}
        answers.append(await link.call("get_current_time", {"timezone": "Etc/UTC"}))
        answers.append(await link.call("get_current_time", {"timezone": "Nowhere/Else"}))

    driver = await choose_driver(ladder(), ("bubblewrap", "landlock", "process"))
    sandbox = await driver.open(SandboxSpec(run_id=RunId("r"), workspace=str(tmp_path), levels=()))
    try:
        server = McpServer(name="time", command=("mcp-server-time",))
        await SdkConnector().visit(server, sandbox.run, use)
    finally:
        await sandbox.close()
    assert "Etc/UTC" in answers[0].text
    assert answers[1].failed
