"""Text that others wrote, made safe to record: models do write what no file can hold."""

from __future__ import annotations

import json


def well_formed(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot hold, by question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def canonical_json(text: str) -> str:
    """Write a JSON text in one way only: sorted keys, no spaces, ASCII.

    Text that is not JSON (or nested beyond reason, or with NaN) comes back as it is, well formed, for
    whoever reads it next to refuse.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return well_formed(text)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
