"""Text that others wrote, made safe to record: models do write what no file can hold."""

from __future__ import annotations

import json


def well_formed(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot hold, by question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def canonical_json(text: str) -> str:
    """Write a JSON text in one way only: sorted keys, no spaces, ASCII.

    Text that is not JSON (or nested beyond reason, or with NaN) comes back as it is, well formed, for
    whoever reads it next to refuse.
    """
    try:
        return _WRITER.encode(_READER.decode(text))
    except (ValueError, RecursionError):
        return well_formed(text)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


# Made once: ``json.loads`` and ``json.dumps`` would make them anew for every text.
_READER = json.JSONDecoder(parse_constant=_refuse)
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def cleaned(text: str, chars_max: int) -> str:
    """Make one line of plain characters of a text, at most so many; what is left out is marked.

    Control characters, and those that turn, hide or join what a person sees, become spaces.
    """
    shown = "".join(one if one.isprintable() else " " for one in well_formed(text[: 4 * chars_max]))
    line = " ".join(shown.split())
    return line if len(line) <= chars_max else f"{line[: chars_max - 1]}…"
