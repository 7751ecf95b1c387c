"""The installed tools, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from orket.domain.errors import SettingsError
from orket.services.tools import (
    add_issue_comment,
    create_issue,
    get_issue_context,
    list_directory,
    read_file,
    run_command,
    update_issue_status,
    write_file,
)
from orket.services.tools.tool import Tool

Toolbox = Mapping[str, Tool[Any]]


def make_toolbox(tools: Iterable[Tool[Any]]) -> Toolbox:
    """Put tools together, each under its own name.

    Raises:
        SettingsError: Two tools have one name.
    """
    found: dict[str, Tool[Any]] = {}
    for tool in tools:
        if tool.spec.name in found:
            raise SettingsError(f"two tools are named {tool.spec.name!r}")
        found[tool.spec.name] = tool
    return MappingProxyType(found)


TOOLBOX: Toolbox = make_toolbox(
    (
        read_file.TOOL,
        write_file.TOOL,
        list_directory.TOOL,
        update_issue_status.TOOL,
        add_issue_comment.TOOL,
        get_issue_context.TOOL,
        create_issue.TOOL,
        run_command.TOOL,
    )
)
