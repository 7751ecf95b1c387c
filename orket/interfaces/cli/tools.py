"""``orket tools``: which tools are installed here, and which of Orket's own are not, and why."""

from __future__ import annotations

import json

from rich.table import Table
from rich.text import Text

from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out


def tools(*, as_json: Json = False, where: Where = HERE) -> int:
    """List the installed tools: what they may do, and how a call that was cut off is taken up.

    Those of MCP servers are listed by orket mcp. Which of them a seat has is said by its roles.

    Args:
        as_json: Print one tool a line as JSON; one that is absent has the reason.
    """
    from orket.bootstrap.tools import absent_tools, installed_tools

    settings, out = where.settings(), Out()
    rows = [
        {
            "name": one.spec.name,
            "permissions": [str(word) for word in one.spec.permissions],
            "recovery": str(one.spec.recovery),
            "absent": "",
        }
        for _, one in sorted(installed_tools(settings).items())
    ]
    absent = [
        {"name": name, "permissions": [], "recovery": "", "absent": why}
        for name, why in absent_tools(settings).items()
    ]
    if as_json:
        for row in (*rows, *absent):
            out.line(json.dumps(row))
        return Exit.DONE
    table = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        told = (", ".join(row["permissions"]) or "proposes only", str(row["recovery"]))
        table.add_row(Text(str(row["name"]), style="bold"), *(Text(one, style="dim") for one in told))
    out.show(table)
    for row in absent:
        out.show(Text(f"{row['name']} is not here: {row['absent']}"))
    return Exit.DONE
