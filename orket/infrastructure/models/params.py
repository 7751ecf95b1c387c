"""The free parameters of a request: sent along as they are, except what is Orket's own or its matter."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orket.domain.errors import ModelError

# Read by Orket itself, before a request is written.
OURS = frozenset({"calling", "output_tokens_max", "fallback_models"})
# What makes the request what it is; an asset that could change these could change what is recorded as asked.
RESERVED = frozenset(
    {
        "format",
        "input",
        "instructions",
        "messages",
        "model",
        "n",
        "response_format",
        "store",
        "stream",
        "stream_options",
        "system",
        "text",
        "tool_choice",
        "tools",
    }
)


def extras(params_json: str) -> Mapping[str, object]:
    """Read what is to be sent along.

    Raises:
        ModelError: ``bad_request``: not an object, or a name that is not free; names its pointer.
    """
    try:
        told = msgspec.json.decode(params_json, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise _refused("", f"must be an object ({error})") from error
    for name in told:
        if name in RESERVED:
            raise _refused(f"/{name}", "is written by Orket and cannot be set")
    return {name: value for name, value in told.items() if name not in OURS}


def laid_over(body: Mapping[str, object], params_json: str) -> dict[str, object]:
    """Add the parameters to a body; one that is ``null`` takes out what Orket would have sent.

    Raises:
        ModelError: As ``extras``.
    """
    merged = {**body, **extras(params_json)}
    return {name: value for name, value in merged.items() if value is not None}


def _refused(pointer: str, reason: str) -> ModelError:
    return ModelError(f"environment#/params{pointer}: {reason}", code="bad_request", retryable=False)
