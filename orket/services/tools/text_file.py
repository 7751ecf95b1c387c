"""A workspace file as text."""

from __future__ import annotations

from orket.domain.errors import ToolError
from orket.services.tools.workbench import Workbench

BYTES_MAX = 1_048_576


async def read_text(path: str, workbench: Workbench, *, bytes_max: int = BYTES_MAX) -> str:
    """Read a file of at most ``bytes_max`` bytes as UTF-8.

    Raises:
        ToolError: ``not_text`` when it is something else, or what the workbench says.
    """
    content = await workbench.read(path, bytes_max=bytes_max)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ToolError(
            f"{path}: not a UTF-8 text ({len(content)} bytes)",
            code="not_text",
            hint="look at it with run_command",
        ) from None
