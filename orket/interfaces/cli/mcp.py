"""``orket mcp``: which MCP servers the house has, what they offer, and approving that."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import anyio
from cyclopts import App
from rich.table import Table
from rich.text import Text

from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.mcp_serve import serve
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import printable
from orket.settings import Settings
from orket.wire import codec
from orket.wire.mcp import McpLookView, McpServerView, look_view, server_view

STYLES: Mapping[str, str] = MappingProxyType({"running": "green", "ready": "green", "crashed": "red"})
app = App(name="mcp", help="MCP servers: what they offer, approving it, and being one.")
app.command(serve)


@app.command(name="list")
def list_(*, as_json: Json = False, where: Where = HERE) -> int:
    """List the servers of the organization file: how they stand, their tools, and why some are not offered.

    No server is started. Whether one runs is known where an engine runs.

    Args:
        as_json: Print one server a line as JSON.
    """
    out, views = Out(), anyio.run(_listed, where.settings())
    if as_json:
        for one in views:
            out.line(codec.encode(one).decode())
        return Exit.DONE
    if not views:
        out.remark("the organization file declares no MCP servers")
        return Exit.DONE
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in views:
        table.add_row(Text(one.name, style="bold"), Text(printable(one.where), style="dim"))
        told = f"{one.state}: {one.reason}" if one.reason else one.state
        table.add_row("", Text(printable(told), style=STYLES.get(one.state, "")))
        for tool in one.offered:
            table.add_row(Text(f"✔ {tool.name}", style="green"), Text(f"after a crash: {tool.recovery}"))
        for name, reason in one.refused:
            table.add_row(Text(f"  {printable(name)}"), Text(printable(reason), style="dim"))
    out.show(table)
    return Exit.DONE


async def _listed(settings: Settings) -> tuple[McpServerView, ...]:
    """Ask the engine, which knows what runs; without one read the declarations and approvals."""
    from orket.bootstrap import running_engine
    from orket.bootstrap.mcp import declared_servers, list_servers
    from orket.interfaces.cli.elsewhere import named_bridge

    if settings.url:
        async with named_bridge(settings) as client:
            return (await client.mcp_servers()).servers
    if (socket := running_engine(settings)) is not None:
        from orket.interfaces.cli.remote import connect

        async with connect(socket) as remote:
            return (await remote.client.mcp_servers()).servers
    return tuple(map(server_view, list_servers(settings, await declared_servers(settings))))


@app.command
def show(name: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Start or reach a server and show what it offers now, and how that differs from what was approved.

    Nothing is approved. A server that is a command runs in a sandbox, over an empty folder.

    Args:
        name: Its name in the organization file.
        as_json: Print what was found as one line of JSON.
    """
    from orket.bootstrap.mcp import look_at_server

    settings = where.settings()
    found = anyio.run(look_at_server, settings, name)
    _tell(look_view(found.catalogue, found.changes), as_json=as_json)
    return Exit.DONE


@app.command
def approve(name: str, /, *, digest: str = "", as_json: Json = False, where: Where = HERE) -> int:
    """Approve the tools of a server as they are now; from the next turn on, seats that list them have them.

    Args:
        name: Its name in the organization file.
        digest: Approve only what was shown under this digest by orket mcp show.
        as_json: Print what was approved as one line of JSON.
    """
    from orket.bootstrap.mcp import approve_server

    settings, out = where.settings(), Out()
    found = anyio.run(approve_server, settings, name, digest)
    _tell(look_view(found.catalogue, found.changes), as_json=as_json)
    out.remark(f"approved: {len(found.catalogue.tools)} tools of {name}; see: orket mcp list")
    return Exit.DONE


def _tell(view: McpLookView, *, as_json: bool) -> None:
    out = Out()
    if as_json:
        out.line(codec.encode(view).decode())
        return
    out.line(f"{view.digest}  {printable(view.where)}")
    for tool in view.tools:
        change = f" ({view.changes[tool.name]})" if tool.name in view.changes else ""
        out.line(f"{printable(tool.name)}{change}: {printable(tool.description)}")
        out.line(f"    {printable(tool.schema_json)}")
    for name in sorted(set(view.changes) - {tool.name for tool in view.tools}):
        out.line(f"{printable(name)} {view.changes[name]}")
