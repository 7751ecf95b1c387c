"""The installed tools, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from orket.domain.errors import SettingsError
from orket.services.tools import (
    add_issue_comment,
    apply_patch,
    create_issue,
    get_issue_context,
    list_directory,
    nominate_card,
    read_file,
    refinement_proposal,
    remember,
    report_credits,
    request_excuse,
    run_command,
    search_files,
    search_memory,
    send_note,
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
        apply_patch.TOOL,
        list_directory.TOOL,
        search_files.TOOL,
        update_issue_status.TOOL,
        add_issue_comment.TOOL,
        get_issue_context.TOOL,
        create_issue.TOOL,
        nominate_card.TOOL,
        refinement_proposal.TOOL,
        request_excuse.TOOL,
        run_command.TOOL,
        report_credits.TOOL,
        send_note.TOOL,
        remember.TOOL,
        search_memory.TOOL,
    )
)
