"""What seats may keep outside their workspace, as the engine sees it."""

from __future__ import annotations

from typing import Protocol


class Archive(Protocol):
    """Where copies of workspaces are kept."""

    async def keep(self, workspace: str, label: str, mark: str) -> str:
        """Copy a workspace and return where the copy lies; links and special files are left out.

        The same label and mark are kept once. When cancelled, the copy is there whole or not at all.

        Raises:
            ToolError: ``too_large``, or it cannot be read or kept; nothing is left.
        """
        ...


class PromptShelf(Protocol):
    """Where prompts are kept that proved good."""

    async def put(self, seat: str, family: str, content: str) -> str:
        """Write a prompt whole, in the place of one there is, and return where it lies.

        Raises:
            ToolError: It cannot be written; nothing was changed.
        """
        ...
