"""The supervision tree of the project sandboxes, apart from the engine's: neither restarts the other."""

from __future__ import annotations

from actors import Supervisor, child, late
from orket.services.project import ProjectRoom
from orket.services.project_sandboxes import ProjectSandboxes


class Keeping(Supervisor, strategy="one_for_one", intensity=(5, 30.0)):
    """The root of what keeps project sandboxes."""

    def __init__(self, room: ProjectRoom) -> None:
        self.room = room

    projects = child(ProjectSandboxes, shutdown=5)(late(lambda root: root.room))
