"""Identifiers are structural: what something is called follows from where it stands, never from timing."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

RunId = NewType("RunId", str)
CardId = NewType("CardId", str)
CallId = NewType("CallId", str)
BlobId = NewType("BlobId", str)

ENGINE = RunId("engine")
"""In the place of a run: what the engine records about itself. No run has this id."""

PROJECTS = RunId("projects")
"""In the place of a run: what is recorded about project sandboxes, which belong to no run."""

PULL_REQUESTS = RunId("pull-requests")
"""In the place of a run: what was made of the pull requests that a forge tells of."""

SESSIONS = RunId("sessions")
"""In the place of a run: what is said in conversations with a driver."""

MEMORY = RunId("memory")
"""In the place of a run: what people added to the project's memory and took out of it."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def call_id(run: RunId, card: CardId, turn: int, index: int) -> CallId:
    """Name the ``index``-th tool call (from 0) of a card's ``turn`` (from 1)."""
    return CallId(f"{run}/{card}/{turn}/{index}")


def blob_id(content: bytes) -> BlobId:
    """Name a blob by its content: SHA-256, 64 hexadecimal digits."""
    return BlobId(hashlib.sha256(content).hexdigest())


def sanitise(text: str) -> str:
    """Reduce ``text`` to letters, digits, ``_`` and ``-``, lower-cased, for names of files and builds."""
    return _UNSAFE.sub("-", text).strip("-").lower() or "unnamed"
