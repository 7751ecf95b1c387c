"""Secrets are taken out of what is recorded, and of what a model is shown: pure functions.

What counts as one: the values that the engine was told of (``secret_values``), and text that has the shape of
a well-known credential. In its place stands ``[redacted:kind]``. Doing it twice changes nothing more.

Not found is a secret that somebody encodes (base64, reversed, cut in two): this keeps ledgers clean of
accidents, it does not stop an agent that means to smuggle something out; that is what sandboxes are for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import attrs

REDACTED = "[redacted:"
VALUE_CHARS_MIN = 8
ROUNDS_MAX = 4
DEPTH_MAX = 64
NAME_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")

T = TypeVar("T")

_SHAPES = {
    "private_key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    "aws_key": r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "github_token": r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "gitlab_token": r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}",
    "slack_token": r"(?<![A-Za-z0-9])xox[abposr]-[A-Za-z0-9-]{10,}",
    "stripe_key": r"(?<![A-Za-z0-9])[rs]k_live_[A-Za-z0-9]{16,}",
    "api_key": r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}",
    "google_key": r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}",
    "web_token": r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "url_password": r"(?<=://)[^\s/:@\"'\[]{1,100}:[^\s/@\"'\[]{1,200}(?=@)",
}
_VALUE = "environment"


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Pick the values of variables whose names end in ``_KEY``, ``_TOKEN``, ``_SECRET`` or ``_PASSWORD``.

    Values shorter than ``VALUE_CHARS_MIN`` are left alone: they would be found everywhere.
    """
    found = {value for name, value in environ.items() if name.upper().endswith(NAME_ENDINGS)}
    return tuple(sorted(one for one in found if len(one) >= VALUE_CHARS_MIN))


@attrs.frozen
class Redactor:
    """Takes secrets out of text, and of whatever holds text; ``values`` are those known by value."""

    values: tuple[str, ...] = attrs.field(default=(), repr=False)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        known = [one for one in self.values if not any(one in f"{REDACTED}{kind}]" for kind in _kinds())]
        found = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
        shapes = [f"(?P<{kind}>{shape})" for kind, shape in _SHAPES.items()]
        return re.compile("|".join([*([f"(?P<{_VALUE}>{found})"] if found else []), *shapes]))

    def text(self, text: str) -> str:
        """Take secrets out of a text; JSON is also looked at as what it stands for."""
        if "\\" in text and text[:1] in ("{", "[", '"'):
            text = self._json(text)
        for _ in range(ROUNDS_MAX):  # what comes to stand side by side may be a secret again
            text, count = self._pattern.subn(_mark, text)
            if not count:
                break
        return text

    def value(self, value: T, depth: int = 0) -> T:
        """Take secrets out of every text in a value: attrs classes, tuples, lists and mappings of them.

        Returns:
            The very same object when there is none in it.
        """
        clean: T = self._value(value, depth)
        return clean

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            if isinstance(value, Enum) or (clean := self.text(value)) == value:
                return value
            return clean
        if depth > DEPTH_MAX or value is None or isinstance(value, bool | int | float | bytes):
            return value
        if isinstance(value, tuple | list):
            parts = [self._value(one, depth + 1) for one in value]
            changed = any(new is not old for new, old in zip(parts, value, strict=True))
            return type(value)(parts) if changed else value
        if isinstance(value, Mapping):
            pairs = {self._value(k, depth + 1): self._value(one, depth + 1) for k, one in value.items()}
            return value if pairs == value else pairs
        cls: Any = type(value)
        if attrs.has(cls):
            changes = {}
            for name, alias in _fields(cls):
                old = getattr(value, name)
                if (new := self._value(old, depth + 1)) is not old:
                    changes[alias] = new
            return attrs.evolve(value, **changes) if changes else value
        return value

    def _json(self, text: str) -> str:
        try:
            stands_for = json.loads(text)
            clean = self._value(stands_for, 0)
        except (ValueError, RecursionError):
            return text
        if clean is stands_for:
            return text
        return json.dumps(clean, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _kinds() -> tuple[str, ...]:
    return (_VALUE, *_SHAPES)


def _mark(found: re.Match[str]) -> str:
    return f"{REDACTED}{found.lastgroup}]"


@lru_cache(1024)
def _fields(cls: Any) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, one.alias or one.name) for one in attrs.fields(cls) if one.init)
