"""What a model server says it has."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orket.infrastructure.models.exchange import Server
from orket.infrastructure.models.speech import understood

LATEST = ":latest"
NAMES_MAX = 10_000
# Where each protocol tells it.
PATHS: Mapping[str, str] = {"openai": "/models", "anthropic": "/models?limit=1000", "ollama": "/api/tags"}


class _Named(msgspec.Struct):
    id: str = ""
    name: str = ""
    model: str = ""


class _Listed(msgspec.Struct):
    data: list[_Named] = msgspec.field(default_factory=list)
    models: list[_Named] = msgspec.field(default_factory=list)


async def offered(adapter: str, server: Server, headers: Mapping[str, str]) -> tuple[str, ...]:
    """Ask a server for the names of its models, sorted.

    Raises:
        ModelError: It refuses, cannot be reached, or says something else.
    """
    told = understood((await server.look_up(PATHS[adapter], headers)).decode("utf-8", "replace"), _Listed)
    # llama.cpp tells both lists in one answer; the one of the protocol counts.
    names = (
        [one.name or one.model for one in told.models]
        if adapter == "ollama"
        else [one.id for one in told.data]
    )
    return tuple(sorted({one for one in names[:NAMES_MAX] if one}))


def is_among(model: str, names: tuple[str, ...]) -> bool:
    """Tell whether a server has a model; Ollama adds a tag to a name that has none."""
    return model in names or model + LATEST in names
