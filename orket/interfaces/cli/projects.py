"""``orket sandbox create | logs | exec | renew | stop | delete``: stacks of services for a project."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated

import anyio
import attrs
from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from orket.domain.identifiers import PROJECTS
from orket.domain.projects import ProjectStanding, standing_projects
from orket.domain.sandboxes import CommandEnd, SandboxStatus
from orket.interfaces.cli import run_sandboxes
from orket.interfaces.cli.engines import is_near, is_served, reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.keeper import Keeper, reach_keeper
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE
from orket.interfaces.cli.wording import printable
from orket.settings import Settings
from orket.wire import codec
from orket.wire.projects import CreateProjectBody, ExecBody, ProjectView, project_view

_LEASE = re.compile(r"(\d{1,9})(s|m|h|d)?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
Word = Annotated[str, Parameter(allow_leading_hyphen=True)]


def create(
    name: str,
    /,
    *,
    workspace: Path = Path(),
    stack: str = "",
    lease: str = "",
    as_json: Json = False,
    where: Where = HERE,
) -> int:
    """Bring a stack of services up for a project, and wait until it is well.

    It stays up when this command ends, until its lease does. Exit code 1 when it is not well in time.

    Args:
        name: The project's name; it has one sandbox at a time.
        workspace: The project's directory, whose folders are built.
        stack: Its template; the house's choice if left out.
        lease: How long it stays up, such as 90m, 8h or 2d; the house's choice if left out.
        as_json: Print it as JSON.
    """
    settings = where.settings()
    folder = str((settings.cwd / workspace).resolve() if is_near(settings) else workspace)
    body = CreateProjectBody(name=name, workspace=folder, stack=stack, lease_s=seconds(lease))
    return anyio.run(_told, settings, lambda keeper: keeper.create(body), as_json, SandboxStatus.RUNNING)


def show(sandbox: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Look at a project sandbox now: its services, whether they answer, and where.

    Args:
        sandbox: Its id, as the list names it.
        as_json: Print it as JSON.
    """
    return anyio.run(_told, where.settings(), lambda keeper: keeper.look(sandbox), as_json)


def renew(sandbox: str, /, *, lease: str = "", as_json: Json = False, where: Where = HERE) -> int:
    """Let the lease of a project sandbox begin anew.

    Args:
        sandbox: Its id, as the list names it.
        lease: How long, such as 90m, 8h or 2d; the house's choice if left out.
        as_json: Print it as JSON.
    """
    lease_s = seconds(lease)
    return anyio.run(_told, where.settings(), lambda keeper: keeper.renew(sandbox, lease_s), as_json)


def stop(sandbox: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Stop the services of a project sandbox; their data are kept. The sandbox of a run: pause the run.

    Args:
        sandbox: Its id, as the list names it.
        as_json: Print it as JSON.
    """
    return anyio.run(_stop, where.settings(), sandbox, as_json)


def delete(sandbox: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Leave nothing of a project sandbox: containers, networks, volumes, built images.

    Args:
        sandbox: Its id, as the list names it.
        as_json: Print it as JSON.
    """
    return anyio.run(_told, where.settings(), lambda keeper: keeper.delete(sandbox), as_json)


def logs(sandbox: str, service: str = "", /, *, lines: int | None = None, where: Where = HERE) -> int:
    """Print the last lines of the services of a project sandbox, without its secrets.

    Of a run's sandbox: what the run's tool calls answered there, as it is recorded.

    Args:
        sandbox: Its id, as the list names it.
        service: Of one service only.
        lines: How many; the house's number if left out, of a run's sandbox 100.
    """
    return anyio.run(_logs, where.settings(), sandbox, service, lines)


def execute(sandbox: str, service: str, /, *argv: Word, timeout: float = 60.0, where: Where = HERE) -> int:
    """Run a command in a service of a project sandbox; exit code 1 when it fails.

    Args:
        sandbox: Its id, as the list names it.
        service: The service.
        argv: The command; after -- if it has options.
        timeout: How long it may take, in seconds.
    """
    if not argv:
        raise BadInput("no command is named: orket sandbox exec SANDBOX SERVICE -- COMMAND")
    if not 0 < timeout <= 3600:
        raise BadInput(f"--timeout {timeout:g}: must be above 0 and at most 3600")
    body = ExecBody(service=service, argv=argv, wall_s=timeout)
    return anyio.run(_exec, where.settings(), sandbox, body)


def seconds(lease: str) -> float | None:
    """Read a length of time such as ``90m``; nothing for nothing.

    Raises:
        BadInput: It is none.
    """
    if not lease:
        return None
    if (found := _LEASE.fullmatch(lease)) is None:
        raise BadInput(f"--lease {lease!r}: a number of s, m, h or d, such as 90m")
    return float(int(found[1]) * _UNIT_S[found[2] or "s"])


async def recorded(settings: Settings) -> tuple[ProjectView, ...]:
    """List project sandboxes: as the running engine sees them, or else as the ledger has them."""
    if is_served(settings):
        async with reach_keeper(settings) as keeper:
            return await keeper.all()
    events: list[object] = []
    after = 0
    async with reach_ledger(settings) as reach:
        while page := await reach.read(PROJECTS, after=after, limit=PAGE):
            events += [one.event for one in page]
            after = page[-1].seq
    found = standing_projects(events).values()
    return tuple(project_view(ProjectStanding(**attrs.asdict(one, recurse=False))) for one in found)


def table(found: Iterable[ProjectView]) -> Table:
    """Lay project sandboxes out."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    for name in ("sandbox", "stack", "status", "where", "reason"):
        lines.add_column(no_wrap=name in ("sandbox", "status"), overflow="fold")
    for one in found:
        places = [f"{each.name} {address}" for each in one.services for address in each.addresses]
        until = f"until {one.lease_until:%Y-%m-%d %H:%M} UTC" if one.status is SandboxStatus.RUNNING else ""
        lines.add_row(
            printable(one.id),
            Text(printable(one.stack)),
            one.status,
            Text("\n".join(map(printable, places))),
            Text(printable(one.reason or until)),
        )
    return lines


async def _told(
    settings: Settings,
    act: Callable[[Keeper], Awaitable[ProjectView]],
    as_json: bool,
    wanted: SandboxStatus | None = None,
) -> Exit:
    out = Out()
    async with reach_keeper(settings) as keeper:
        stands = await act(keeper)
    if as_json:
        out.line(codec.encode(stands).decode())
    else:
        out.show(table([stands]))
    return Exit.DONE if wanted in (None, stands.status) else Exit.NOT_DONE


async def _stop(settings: Settings, sandbox: str, as_json: bool) -> Exit:
    if (run := await run_sandboxes.find(settings, sandbox)) is not None:
        return await run_sandboxes.stop(settings, run)
    return await _told(settings, lambda keeper: keeper.stop(sandbox), as_json)


async def _logs(settings: Settings, sandbox: str, service: str, lines: int | None) -> Exit:
    if (run := await run_sandboxes.find(settings, sandbox)) is not None:
        return await run_sandboxes.logs(settings, run, lines)
    async with reach_keeper(settings) as keeper:
        text = await keeper.logs(sandbox, service, lines)
    out = Out()
    for line in text.splitlines():
        out.line(printable(line))
    return Exit.DONE


async def _exec(settings: Settings, sandbox: str, body: ExecBody) -> Exit:
    if (run := await run_sandboxes.find(settings, sandbox)) is not None:
        raise run_sandboxes.no_exec(run)
    async with reach_keeper(settings) as keeper:
        told = await keeper.run(sandbox, body)
    out = Out()
    for line in told.stdout.splitlines():
        out.line(printable(line))
    for line in told.stderr.splitlines():
        out.remark(printable(line))
    if told.end is not CommandEnd.OK:
        out.remark(f"{told.end} (exit code {told.exit_code})")
    return Exit.DONE if told.end is CommandEnd.OK else Exit.NOT_DONE
