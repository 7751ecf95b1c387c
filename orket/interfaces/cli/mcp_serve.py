"""``orket mcp serve``: Orket for other agents, over the Model Context Protocol."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from orket.domain.errors import SettingsError
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.options import HERE, Where


def serve(
    *,
    http: Annotated[int | None, Parameter(help="Serve on this loopback port instead; 0: any.")] = None,
    model: str | None = None,
    model_dir: Path | None = None,
    where: Where = HERE,
) -> int:
    """Offer runs, cards and approvals as an MCP server on standard input and output.

    It uses the engine that runs, or is one itself as long as it is connected.

    Args:
        http: Serve streamable HTTP on this loopback port instead; 0: any.
        model: Model to use instead of the environments', when the engine is its own.
        model_dir: Directory of roles, teams, dialects, environments; $ORKET_MODEL_DIR, else model.
    """
    if find_spec("mcp") is None:
        raise SettingsError("the MCP server needs an extra: python -m pip install 'orket[mcp]'")
    from orket.interfaces.mcp.serving import serve_http, serve_stdio

    settings = where.settings(model=model, model_dir=model_dir)
    if http is None:
        anyio.run(serve_stdio, settings)
    else:
        anyio.run(serve_http, settings, http, _say)
    return Exit.DONE


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
