"""A system on a local socket: who may look, what is seen, and what is left behind."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import attrs
import pytest
from anyio.to_thread import run_sync

import actors.top
from actors import ActorSystem
from actors.top._pull import Gone, pull_from
from actors.top._serve import LOOKERS_MAX, REQUEST_BYTES_MAX
from tests.actors.bank import Account, Balance, Deposit, Enter, Gate, Porter
from tests.actors.moments import background

pytestmark = pytest.mark.anyio
T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """Look from another thread, as another process would."""
    return await run_sync(function)


async def pull(place: object) -> actors.top.Snapshot:
    return await in_thread(pull_from(str(place)))


async def ask_raw(path: Path, request: bytes) -> bytes:
    async with await anyio.connect_unix(path) as stream:
        await stream.send(request)
        reply = b""
        with anyio.fail_after(5):
            while True:
                try:
                    reply += await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return reply


async def test_a_look_sees_depths_current_messages_and_waits(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    async with ActorSystem("s") as system, actors.top.serve(system, place):
        gate = Gate()
        porter = system.named("porter").spawn(Porter, gate)
        account = system.named("account").spawn(Account, 5)
        assert await account.ask(Balance()) == 5
        async with background(porter.ask, Enter("secret")):
            await gate.entered.wait()
            system.suspend(account)
            account.tell(Deposit(1))
            seen = await pull(place)
            gate.open.set()
        system.resume(account)
        lines = {line.path: line for line in seen.actors}
        assert list(lines) == ["s", "s/porter", "s/account"]
        assert (lines["s/porter"].current, lines["s/porter"].kind) == ("Enter", "Porter")
        assert lines["s/porter"].current_s is not None
        assert (lines["s/account"].state, lines["s/account"].mailbox_depth) == ("suspended", 1)
        assert lines["s/account"].handled == 1
        assert (seen.system, seen.alive, seen.pid, seen.actors_total) == ("s", True, os.getpid(), 2)
        assert b"secret" not in seen.to_json()
        assert actors.top.Snapshot.from_json(seen.to_json()) == seen


async def test_a_socket_that_listens_already_will_do(tmp_path: Path) -> None:
    place = tmp_path / "own.sock"
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(place))
        own.listen()
        own.setblocking(False)
        async with ActorSystem("s") as system, actors.top.serve(system, own):
            assert (await pull(place)).system == "s"
    assert place.exists()


async def test_only_its_user_can_connect_and_nothing_stays_behind(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    async with ActorSystem() as system:
        async with actors.top.serve(system, place):
            mode = os.lstat(place).st_mode
            assert stat.S_ISSOCK(mode)
            assert stat.S_IMODE(mode) == 0o600
        assert os.listdir(tmp_path) == []
        with pytest.raises(Gone, match="there is no"):
            await pull(place)


async def test_a_place_where_somebody_listens_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    async with ActorSystem("first") as first, actors.top.serve(first, place):
        with pytest.raises(FileExistsError, match="listens there"):
            async with actors.top.serve(ActorSystem("second"), place):
                raise AssertionError
        assert (await pull(place)).system == "first"


async def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "precious"
    place.write_text("keep me")
    async with ActorSystem() as system:
        with pytest.raises(FileExistsError, match="not a socket"):
            async with actors.top.serve(system, place):
                raise AssertionError
    assert place.read_text() == "keep me"


async def test_a_socket_that_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    with pytest.raises(Gone, match="nobody listens"):
        await pull(place)
    async with ActorSystem("alive") as system, actors.top.serve(system, place):
        assert (await pull(place)).system == "alive"


async def test_a_system_whose_loop_is_blocked_is_told_from_one_that_is_gone(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(place))
        deaf.listen()
        with pytest.raises(Gone, match="blocks its event loop"):
            await in_thread(pull_from(str(place), timeout_s=0.05))


async def test_what_the_block_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    async with ActorSystem() as system:
        with pytest.raises(KeyError, match="mine"):
            async with actors.top.serve(system, tmp_path / "s.sock"):
                raise KeyError("mine")
        with anyio.move_on_after(0) as scope:
            async with actors.top.serve(system, tmp_path / "s.sock"):
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        assert os.listdir(tmp_path) == []


async def test_other_methods_and_long_requests_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    async with ActorSystem() as system, actors.top.serve(system, place):
        assert (await ask_raw(place, b"GET /x HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert (await ask_raw(place, b"HEAD / HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n")
        assert b" 405 " in await ask_raw(place, b"DELETE / HTTP/1.1\r\n\r\n")
        too_long = b"GET /" + b"x" * REQUEST_BYTES_MAX
        assert b" 405 " in await ask_raw(place, too_long)


async def test_only_so_many_may_look_at_the_same_time(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    async with ActorSystem() as system, actors.top.serve(system, place):
        held = [await anyio.connect_unix(place) for _ in range(LOOKERS_MAX)]
        for stream in held:
            await stream.send(b"GET /")
        assert await ask_raw(place, b"GET / HTTP/1.1\r\n\r\n") == b""
        for stream in held:
            await stream.aclose()
        with anyio.fail_after(5):
            while not await ask_raw(place, b"GET / HTTP/1.1\r\n\r\n"):
                await anyio.lowlevel.checkpoint()


async def test_a_system_that_ended_shows_that_it_is_not_alive(tmp_path: Path) -> None:
    place = tmp_path / "s.sock"
    async with ActorSystem("s") as system, actors.top.serve(system, place):
        system.spawn(Account)
        await system.stop()
        seen = await pull(place)
        assert not seen.alive
        assert seen.actors_total == 0


def test_a_newer_server_may_say_more_and_garbage_is_refused() -> None:
    snapshot = actors.top.Snapshot("s", True, 1, 0.0, 0, 0, 0, 0, 0, {}, ())
    more = snapshot.to_json().replace(b'{"system"', b'{"colour":"red","system"')
    assert actors.top.Snapshot.from_json(more) == snapshot
    for garbage in (b"", b"[]", b"{}", b'"x"', b"<html>"):
        with pytest.raises(ValueError, match=r".+"):
            actors.top.Snapshot.from_json(garbage)
    assert attrs.asdict(snapshot)["system"] == "s"
