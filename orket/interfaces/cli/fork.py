"""``orket fork``: a new run that begins with the recorded history of another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import attrs

from orket.domain.forking import plan_fork
from orket.domain.ports import CommandKey
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.remote import fork_body
from orket.interfaces.cli.replay import history
from orket.interfaces.cli.wording import counted
from orket.orchestration.messages import Fork, StartRun
from orket.wire.codec import fingerprint

KEY_CHARS_MAX = 255


def fork(
    run: str,
    /,
    *,
    at: int,
    model: str = "",
    node: tuple[str, ...] = (),
    workspace: Path | None = None,
    key: str = "",
    as_json: Json = False,
    where: Where = HERE,
) -> int:
    """Begin a new run with the history of a recorded one, and follow it to its end.

    It begins at the last moment, not after event --at, at which no card was in the middle of a turn. Its
    workspace is a fresh directory with the files that were written until then; commands are not repeated.

    Args:
        run: The run's id, or the beginning of it.
        at: Sequence number of the last event to take over, as `orket events` shows it.
        model: Model to use from there on instead of the run's.
        node: Decision node to use from there on, as family=name; repeatable.
        workspace: Directory the new run works in, empty or missing [default: one of its own].
        key: Any words of yours: the same fork with the same key again is the same run, not another one.
        as_json: Print one event a line, and nothing else, on standard output.
    """
    if len(key) > KEY_CHARS_MAX or not (key.isascii() and (key.isprintable() or not key)):
        raise BadInput(f"--key: at most {KEY_CHARS_MAX} printable ASCII characters")
    return anyio.run(_fork, where, run, at, model, node, workspace, key, as_json)


async def _fork(
    where: Where,
    name: str,
    at: int,
    model: str,
    nodes: Sequence[str],
    workspace: Path | None,
    key: str,
    as_json: bool,
) -> Exit:
    settings = where.settings()
    async with reach_ledger(settings) as reach:
        run_id = (await find_run(reach, name)).run_id
        plan = plan_fork(await history(reach, run_id), at)
    _tell(Out(), at, plan.at, len(plan.files), len(plan.commands))
    command = StartRun(
        target="",
        model=model,
        workspace="" if workspace is None else str(settings.cwd / workspace),
        fork=Fork(run_id=run_id, at=plan.at, nodes=tuple(_node(one) for one in nodes)),
    )
    if key:
        command = attrs.evolve(command, key=_command_key(command, key))
    return await where.session(settings, as_json=as_json).drive(command)


def _command_key(command: StartRun, key: str) -> CommandKey:
    """Fingerprint the fork as the bridge does, so that the key holds whoever carries the command out."""
    assert command.fork is not None
    body = fork_body(command, command.fork)
    return CommandKey(key=key, fingerprint=fingerprint("POST", f"/v1/runs/{command.fork.run_id}/forks", body))


def _tell(out: Out, asked: int, at: int, files: int, commands: int) -> None:
    if at != asked:
        out.remark(f"event {asked} is no turn boundary of all cards; the fork begins after event {at}")
    out.remark(f"{counted(files, 'file')} written again; {counted(commands, 'command')} not repeated")


def _node(text: str) -> tuple[str, str]:
    family, equals, name = text.partition("=")
    if not (family and equals and name):
        raise BadInput(f"--node {text}: give it as planner_node=default")
    return family, name
