"""Secrets are taken out of what is recorded, and of what a model is shown: pure functions.

What counts as one: the values that the engine was told of (``secret_values``), and text that has the shape of
a well-known credential. In its place stands ``[redacted:kind]``. Doing it twice changes nothing more.

Not found is a secret that somebody encodes (base64, reversed, cut in two): this keeps ledgers clean of
accidents. It does not stop an agent that means to smuggle something out; that is what sandboxes are for.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, TypeVar

import attrs

REDACTED = "[redacted:"
VALUE_CHARS_MIN = 8
ROUNDS_MAX = 8
DEPTH_MAX = 64
NAME_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")

T = TypeVar("T")

_ENVIRONMENT = "environment"
_ESCAPE = "\\u00"  # letters that somebody wrote as escapes
_LEAVES = frozenset({type(None), bool, int, float, bytes})
_PLAIN = re.compile(r"[A-Za-z0-9_+=.:,@-]+")
# Kind, the texts of which one must be there at all (looked for first, for speed), and the shape.
_SHAPES = (
    (
        "private_key",
        ("-----BEGIN ",),
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    ),
    ("aws_key", ("AKIA", "ASIA"), r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    (
        "github_token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    ),
    ("gitlab_token", ("glpat-",), r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}"),
    ("slack_token", ("xox",), r"(?<![A-Za-z0-9])xox[abposr]-[A-Za-z0-9-]{10,}"),
    ("stripe_key", ("k_live_",), r"(?<![A-Za-z0-9])[rs]k_live_[A-Za-z0-9]{16,}"),
    ("orket_key", ("orket_",), r"(?<![A-Za-z0-9])orket_[0-9a-f]{8}_[A-Za-z0-9_-]{43}"),
    ("api_key", ("sk-",), r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}"),
    ("google_key", ("AIza",), r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}"),
    (
        "web_token",
        ("eyJ",),
        r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ),
    ("url_password", ("://",), r"(?<=://)[^\s/:@\"'\[]{1,100}:[^\s/@\"'\[]{1,200}(?=@)"),
)


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
    def _known(self) -> tuple[str, ...]:
        """The values, longest first, without those that our own marks hold."""
        marks = [_mark(kind) for kind in (_ENVIRONMENT, *(kind for kind, _, _ in _SHAPES))]
        known = (one for one in self.values if one and not any(one in mark for mark in marks))
        return tuple(sorted(known, key=len, reverse=True))

    @cached_property
    def _anchor(self) -> str:
        """The pattern of what is there, however JSON writes it, when there is anything to take out."""
        plain = (max(_PLAIN.findall(one), key=len, default="") for one in self._known)
        shapes = (one for _, anchors, _ in _SHAPES for one in anchors)
        return "|".join(map(_from_rarest, (*plain, *shapes, _ESCAPE)))

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile(self._anchor)

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._anchor.encode())

    def suspects(self, body: bytes) -> bool:
        """Tell, fast, whether there may be a secret in a JSON body; False is certain."""
        return self._in_bytes.search(body) is not None

    def blob(self, body: bytes) -> bytes:
        """Take secrets out of a blob: UTF-8 text, which may be JSON. Other bytes are left as they are."""
        if not self.suspects(body):
            return body
        try:
            return self.text(body.decode()).encode()
        except UnicodeError:
            return body

    def text(self, text: str) -> str:
        """Take secrets out of a text; JSON is also looked at as what it stands for."""
        if not self._in_text.search(text):
            return text
        if "\\" in text and text[:1] in ("{", "[", '"'):
            text = self._json(text)
        for _ in range(ROUNDS_MAX):  # what comes to stand side by side may be a secret again
            before = text
            for one in self._known:
                if one in text:
                    text = text.replace(one, _mark(_ENVIRONMENT))
            for kind, anchors, _ in _SHAPES:
                if any(one in text for one in anchors):
                    text = _shape(kind).sub(_mark(kind), text)
            if text == before:
                break
        return text

    def plain(self, *texts: str) -> bool:
        """Tell, fast, that there is no secret in any of these texts; True is certain."""
        return self._in_text.search("\n".join(texts)) is None

    def value(self, value: T) -> T:
        """Take secrets out of every text in a value: attrs classes, tuples, lists and mappings of them.

        Returns:
            The very same object when there is none in it.
        """
        if not self._suspects_value(value):
            return value
        clean: T = self._value(value, 0)
        return clean

    def _suspects_value(self, value: object) -> bool:
        """Tell, fast, whether there may be a secret in a value; False is certain.

        All texts inside are searched at once: to begin a search costs more than most of them.
        """
        texts, left = list[str](), [value]
        while left:
            one: Any = left.pop()
            kind = one.__class__
            if kind is str:
                texts.append(one)
            elif kind is tuple or kind is list:
                left.extend(one)
            elif kind in _LEAVES:
                continue
            elif isinstance(one, str):
                texts.append(one)
            elif isinstance(one, tuple | list):
                left.extend(one)
            elif isinstance(one, Mapping):
                left.extend((*one, *one.values()))
            else:
                left.extend(_values(kind)(one))
        return self._in_text.search("\n".join(texts)) is not None

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            clean = value if isinstance(value, Enum) else self.text(value)
            return value if clean == value else clean
        if depth > DEPTH_MAX or value is None or isinstance(value, bool | int | float | bytes):
            return value
        if isinstance(value, tuple | list):
            parts = [self._value(one, depth + 1) for one in value]
            return type(value)(parts) if _differ(parts, value) else value
        if isinstance(value, Mapping):
            keys = [self._value(one, depth + 1) for one in value]
            parts = [self._value(one, depth + 1) for one in value.values()]
            changed = _differ(keys, value) or _differ(parts, value.values())
            return dict(zip(keys, parts, strict=True)) if changed else value
        return self._fields_of(value, depth)

    def _fields_of(self, value: Any, depth: int) -> Any:
        cls: Any = type(value)
        changes: dict[str, object] = {}
        for name, alias in _fields(cls):
            old = getattr(value, name)
            if (new := self._value(old, depth + 1)) is not old:
                changes[alias] = new
        return attrs.evolve(value, **changes) if changes else value

    def _json(self, text: str) -> str:
        try:
            stands_for = json.loads(text)
            clean = self._value(stands_for, 0)
            if clean is stands_for:
                return text
            return json.dumps(clean, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        except (ValueError, RecursionError):
            return text


def _from_rarest(literal: str) -> str:
    """Write a pattern of a literal that begins with its rarest letter and looks back from there.

    The search skips to the next letter that may begin an alternative. Where those are the small letters of
    ordinary words it stops at every third one; this way a prompt takes a tenth of the time.
    """
    if not literal:
        return ""
    place = min(range(len(literal)), key=lambda index: _commonness(literal[index]))
    before, letter, after = literal[:place], literal[place], literal[place + 1 :]
    behind = f"(?<={re.escape(before + letter)})" if before else ""
    return f"{re.escape(letter)}{behind}{re.escape(after)}"


def _commonness(letter: str) -> int:
    """Rank a letter by how often it stands in prose and JSON, roughly; the rarest is 0."""
    ranks = ("JQXZKVjqxz=@+%", string.ascii_uppercase, "-_/\\", string.digits, string.ascii_lowercase)
    return next((rank for rank, letters in enumerate(ranks) if letter in letters), len(ranks))


def _differ(new: Iterable[object], old: Iterable[object]) -> bool:
    return any(one is not other for one, other in zip(new, old, strict=True))


def _mark(kind: str) -> str:
    return f"{REDACTED}{kind}]"


@cache
def _shape(kind: str) -> re.Pattern[str]:
    return next(re.compile(shape) for name, _, shape in _SHAPES if name == kind)


@cache
def _values(cls: Any) -> Callable[[Any], Iterable[object]]:
    """Return how to get at what the fields of a class hold; a class without any holds nothing."""
    names = [name for name, _ in _fields(cls)]
    if len(names) < 2:  # one name alone would give its bare value
        return lambda value: [getattr(value, name) for name in names]
    return attrgetter(*names)


@cache
def _fields(cls: Any) -> tuple[tuple[str, str], ...]:
    if not attrs.has(cls):
        return ()
    return tuple((one.name, one.alias or one.name) for one in attrs.fields(cls) if one.init)
