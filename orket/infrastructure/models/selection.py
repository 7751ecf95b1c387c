"""The choice of an adapter by a model's name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from orket.domain.errors import AssetError, SettingsError
from orket.domain.ports import ModelClient
from orket.infrastructure.models.recording import Recorder, RecordingModel
from orket.infrastructure.models.retrying import Patience, RetryingModel
from orket.infrastructure.models.scripted import ScriptedModel

SERVED = ("openai", "responses", "anthropic", "ollama", "local")
_OFFERED = (
    "offered: scripted:PATH (replies from a file), openai:MODEL, responses:MODEL, anthropic:MODEL, "
    "ollama:MODEL, each with @URL for another server, and local:NAME (a model on this machine)"
)


class Opener(Protocol):
    """What opens the models that servers offer."""

    def open(self, name: str, adapter: str) -> ModelClient:
        """Open a model; nothing is sent yet.

        Raises:
            SettingsError: The name or a setting is not usable.
        """
        ...


def open_model(
    name: str,
    policy: Patience,
    *,
    adapter: str = "",
    cwd: Path | None = None,
    recorder: Recorder | None = None,
    servers: Callable[[], Opener] | None = None,
) -> ModelClient:
    """Open the model of a name such as ``scripted:replies.json``; the file is read with the first question.

    Args:
        name: The model's name, with its adapter in front.
        policy: How patient its client is.
        adapter: The adapter as the ``model_client_node`` names it; empty means the word before the colon.
        cwd: Where a relative script path starts; the process's directory by default.
        recorder: Records every reply, when given.
        servers: Makes what opens the models of servers; not called for a scripted model.

    Raises:
        SettingsError: There is no such adapter; says which there are.
        AssetError: There is no such script.
    """
    scheme, colon, _ = name.partition(":")
    chosen = adapter or (scheme if colon else "")
    if not name:
        raise SettingsError(f"no model is named; {_OFFERED}")
    if chosen in SERVED and servers is not None:
        client = servers().open(name, chosen)
    elif chosen == "scripted":
        client = ScriptedModel(_script(name, cwd or Path()))
    else:
        raise SettingsError(f"no adapter for the model {name!r}; {_OFFERED}")
    client = RetryingModel(client, policy)
    return client if recorder is None else RecordingModel(client, recorder)


def _script(name: str, cwd: Path) -> Path:
    scheme, colon, rest = name.partition(":")
    path = rest if scheme == "scripted" and colon else name
    if not path:
        raise SettingsError(f"the model {name!r} names no script file; {_OFFERED}")
    script = cwd / path
    if not os.path.isfile(script):
        raise AssetError(path, "", f"there is no script file at {script}; a recording makes one")
    return script
