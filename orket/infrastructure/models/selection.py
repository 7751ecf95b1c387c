"""The choice of an adapter by a model's name."""

from __future__ import annotations

import os
from pathlib import Path

from orket.domain.errors import AssetError, SettingsError
from orket.domain.ports import ModelClient
from orket.infrastructure.models.recording import Recorder, RecordingModel
from orket.infrastructure.models.retrying import Patience, RetryingModel
from orket.infrastructure.models.scripted import ScriptedModel

_OFFERED = "offered: scripted:PATH (replies from a file)"
_MORE = "model servers will come with the extra 'local'; this version has none yet"


def open_model(
    name: str,
    policy: Patience,
    *,
    adapter: str = "",
    cwd: Path | None = None,
    recorder: Recorder | None = None,
) -> ModelClient:
    """Open the model of a name such as ``scripted:replies.json``; the file is read with the first question.

    Args:
        name: The model's name, with its adapter in front.
        policy: How patient its client is.
        adapter: The adapter as the ``model_client_node`` names it; empty means the word before the colon.
        cwd: Where a relative script path starts; the process's directory by default.
        recorder: Records every reply, when given.

    Raises:
        SettingsError: There is no such adapter; says which there are.
        AssetError: There is no such script.
    """
    scheme, colon, rest = name.partition(":")
    chosen = adapter or (scheme if colon else "")
    if chosen != "scripted":
        what = f"no adapter for the model {name!r}" if name else "no model is named"
        raise SettingsError(f"{what}; {_OFFERED}; {_MORE}")
    path = rest if scheme == "scripted" and colon else name
    if not path:
        raise SettingsError(f"the model {name!r} names no script file; {_OFFERED}")
    script = (cwd or Path()) / path
    if not os.path.isfile(script):
        raise AssetError(path, "", f"there is no script file at {script}; a recording makes one")
    client: ModelClient = RetryingModel(ScriptedModel(script), policy)
    return client if recorder is None else RecordingModel(client, recorder)
