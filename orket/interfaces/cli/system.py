"""``orket serve | nodes | version``: the engine as a machine."""

from __future__ import annotations

from pathlib import Path

import anyio
from rich.table import Table
from rich.text import Text

import orket
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.settings import Settings
from orket.wire import codec
from orket.wire.policies import NodeView, node_view


def version() -> int:
    """Print the version."""
    Out().line(orket.__version__)
    return Exit.DONE


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    model: str | None = None,
    model_dir: Path | None = None,
    where: Where = HERE,
) -> int:
    """Run the engine and serve the HTTP bridge, on loopback, until SIGTERM or Ctrl-C.

    Args:
        host: Address to listen on; $ORKET_HOST, else 127.0.0.1.
        port: Port to listen on; $ORKET_PORT, else 8082.
        model: Model to use instead of the environments'; scripted:FILE answers from a file.
        model_dir: Directory of roles, teams, dialects, environments; $ORKET_MODEL_DIR, else model.
    """
    from orket.interfaces.serve import serve as serve_bridge

    settings = where.settings(host=host, port=port, model=model, model_dir=model_dir)
    return anyio.run(serve_bridge, settings)


def nodes(*, model_dir: Path | None = None, as_json: Json = False, where: Where = HERE) -> int:
    """List the families of decision nodes, which node is selected in each, and by whom.

    Args:
        model_dir: Directory of the organization file; $ORKET_MODEL_DIR, else model.
        as_json: Print one family a line as JSON.
    """
    out = Out()
    table = Table.grid(padding=(0, 2, 0, 0))
    for one in anyio.run(_nodes, where.settings(model_dir=model_dir)):
        if as_json:
            out.line(codec.encode(one).decode())
        table.add_row(one.family, Text(one.name, style="bold"), Text(f"by {one.by}", style="dim"))
    if not as_json:
        out.show(table)
    return Exit.DONE


async def _nodes(settings: Settings) -> tuple[NodeView, ...]:
    from orket.bootstrap import select_nodes

    if not settings.url:
        return tuple(map(node_view, (await select_nodes(settings)).selections))
    from orket.interfaces.cli.elsewhere import named_bridge

    async with named_bridge(settings) as client:
        return (await client.policies()).nodes
