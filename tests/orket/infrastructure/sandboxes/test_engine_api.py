"""Asking a container engine: what answers well, badly, late or not at all."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest
from anyio.abc import SocketStream

from orket.domain.errors import SandboxError
from orket.infrastructure.sandboxes import seccomp
from orket.infrastructure.sandboxes.compose import ComposeDriver
from orket.infrastructure.sandboxes.container import Contained, Container
from orket.infrastructure.sandboxes.container_root import profile, root_archive, tag_of
from orket.infrastructure.sandboxes.engine_api import EngineAbsent, EngineApi, EngineRefused, find_socket

pytestmark = pytest.mark.anyio


class Answer(msgspec.Struct):
    word: str


@asynccontextmanager
async def answering(folder: Path, answer: bytes) -> AsyncIterator[EngineApi]:
    """Something on a socket that says ``answer`` to everybody."""
    path = str(folder / "engine")

    async def say(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(answer)

    async with await anyio.create_unix_listener(path) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, say)
        yield EngineApi(path)
        group.cancel_scope.cancel()


async def test_an_answer_ends_where_its_connection_does(tmp_path: Path) -> None:
    async with answering(tmp_path, b'HTTP/1.0 200 OK\r\nA: b\r\n\r\n{"word": "yes"}') as api:
        assert await api.call("GET", "/x", kind=Answer) == Answer(word="yes")
        assert await api.call("POST", "/x", kind=bytes, body={"a": 1}) == b'{"word": "yes"}'


async def test_a_refusal_says_what_the_engine_said(tmp_path: Path) -> None:
    async with answering(tmp_path, b'HTTP/1.0 404 Not Found\r\n\r\n{"message": "no such image"}') as api:
        with pytest.raises(EngineRefused, match="no such image") as caught:
            await api.call("GET", "/x", kind=Answer)
        assert caught.value.status == 404
        with pytest.raises(EngineRefused, match="no such image"):
            async with api.stream("GET", "/x"):
                pass


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.0 200",
        b"\r\n\r\n",
        b"SSH-2.0 hello\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n{",
        b"HTTP/1.0 200 OK\r\n\r\n[]",
        b"HTTP/1.0 200 OK\r\n" + b"x" * 70_000,
    ],
)
async def test_what_is_no_answer_is_the_engines_trouble(tmp_path: Path, answer: bytes) -> None:
    async with answering(tmp_path, answer) as api:
        with pytest.raises(SandboxError):
            await api.call("GET", "/x", kind=Answer)


@pytest.mark.parametrize("path", ["missing", "x" * 300, "file"])
async def test_nobody_answers(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    socket = str(tmp_path / path)
    with pytest.raises(EngineAbsent, match="no container engine answers"):
        await EngineApi(socket).call("GET", "/info", kind=bytes)
    report = await ComposeDriver(socket=socket).probe()
    assert not report.ok
    assert "no container engine answers" in report.reason
    assert "DOCKER_HOST" in report.remedy


async def test_an_engine_without_control_groups_is_refused(tmp_path: Path) -> None:
    answer = b'HTTP/1.0 200 OK\r\n\r\n{"MemoryLimit": true, "PidsLimit": false, "CpuCfsQuota": false}'
    async with answering(tmp_path, answer) as api:
        report = await ComposeDriver(socket=api.socket).probe()
        assert "cannot limit processes, processor time" in report.reason


async def test_without_a_socket_the_level_says_so() -> None:
    report = await ComposeDriver(socket="").probe()
    assert (report.ok, report.reason) == (False, "no container engine's socket is named or found")


async def test_what_no_system_can_start_needs_no_engine(tmp_path: Path) -> None:
    api = EngineApi(str(tmp_path / "none"))
    for argv in ((), ("a\0b",), ("x" * 200_000,), ("\ud800",)):
        one = Contained(
            image="i",
            workspace="/w",
            user="0:0",
            cpus=1,
            profile="{}",
            user_processes=0,
            places=(),
            labels={},
            argv=argv,
        )
        told = await Container(api, one).run()
        assert told.exit_code in (126, 127)
        assert told.stderr


@pytest.mark.parametrize(
    ("environ", "socket"),
    [
        ({"DOCKER_HOST": "unix:///a/b"}, "/a/b"),
        ({"DOCKER_HOST": "tcp://far:2375"}, ""),
        ({"CONTAINER_HOST": "unix:///c"}, "/c"),
        ({"DOCKER_HOST": "unix:///a", "CONTAINER_HOST": "unix:///c"}, "/a"),
    ],
)
def test_the_socket_is_named_by_the_environment(environ: dict[str, str], socket: str) -> None:
    assert find_socket(environ) == socket


def test_the_usual_places_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "podman").mkdir()
    (tmp_path / "podman" / "podman.sock").write_text("")
    found = find_socket({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert found == f"{tmp_path}/podman/podman.sock"


def test_the_refused_calls_are_those_of_bubblewrap() -> None:
    rules = json.loads(profile())["syscalls"]
    whole = {name for one in rules if "args" not in one for name in one["names"]}
    assert whole == {*seccomp.refused_names(), *seccomp.ABSENT_NAMES}
    assert {"mount", "unshare", "ptrace", "bpf", "clone3"} <= whole
    families = {
        one["args"][0]["valueTwo"] for one in rules if "socket" in one["names"] and one["args"][0]["value"]
    }
    assert not families & set(seccomp.FAMILIES)
    assert 40 in families  # the hypervisor's


def test_the_root_is_the_same_every_time() -> None:
    assert tag_of(root_archive()) == tag_of(root_archive())


def test_a_command_is_bounded_by_control_groups() -> None:
    body = Contained(
        image="i",
        workspace="/w",
        user="7:8",
        cpus=1.5,
        profile="{}",
        user_processes=9,
        places=(),
        labels={"a": "b"},
        argv=("true",),
    ).body()
    host = body["HostConfig"]
    assert isinstance(host, dict)
    assert (host["Memory"], host["MemorySwap"]) == (2 * 1024**3, 2 * 1024**3)
    assert (host["PidsLimit"], host["NanoCpus"]) == (257, 1_500_000_000)
    assert (host["NetworkMode"], host["CapDrop"], host["ReadonlyRootfs"]) == ("none", ["ALL"], True)
    limits = {one["Name"]: (one["Soft"], one["Hard"]) for one in host["Ulimits"]}
    assert (limits["core"], limits["nproc"], limits["cpu"]) == ((0, 0), (9, 9), (60, 65))
    assert body["Labels"] == {"a": "b"}
