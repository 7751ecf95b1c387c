"""Docstrings and signatures of a package as Markdown, for ``build_reference.py``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

ROLE = re.compile(r"``([^`]+)``")
SECTION = re.compile(r"^(Args|Raises|Returns|Yields|Attributes):$")
ENTRY = re.compile(r"^    (\S[^:]*): (.*)$")
MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
FORWARD = re.compile(r"(: |-> )'([^']*)'")
VARIABLE = re.compile(r"[~+-](?=[A-Z])")
FUNCTION = re.compile(r"<function (\w+)>")


def api(package: ModuleType) -> str:
    """Write one section per exported name."""
    return "\n\n".join(text for name in package.__all__ for text in _of(name, getattr(package, name)))


def _of(name: str, thing: Any) -> Iterator[str]:
    yield f"## {name}"
    if _made_by_users(thing):
        yield f"`{name}{signature(thing)}`"
    yield from markdown(thing.__doc__)
    if inspect.isclass(thing):
        yield from _members(thing)


def _made_by_users(thing: Any) -> bool:
    """Whether the constructor is worth showing: not errors, not what only the runtime makes."""
    text = signature(thing)
    inner = any(word in text for word in ("cell: Cell", "envelope: ", "*args, **kwargs"))
    return not (inspect.isclass(thing) and (issubclass(thing, Exception) or inner or text == "()"))


def _members(kind: type[Any]) -> Iterator[str]:
    package = kind.__module__.partition(".")[0]
    seen: set[str] = set()
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] != package:
            continue
        for name, value in vars(base).items():
            if name.startswith("_") or name in seen or not _documented(value):
                continue
            seen.add(name)
            waits = "async " if inspect.iscoroutinefunction(_function(value)) else ""
            shown = name if isinstance(value, property) else f"{name}{signature(_function(value))}"
            yield f"**`{waits}{shown}`**"
            yield from markdown(_function(value).__doc__)


def _function(value: Any) -> Any:
    return value.__func__ if isinstance(value, classmethod | staticmethod) else value


def _documented(value: Any) -> bool:
    callable_ = inspect.isfunction(_function(value)) or isinstance(value, property)
    return callable_ and bool(_function(value).__doc__)


def signature(thing: Any) -> str:
    """Write a signature without ``self``, and with types by their last name."""
    try:
        found = inspect.signature(thing)
    except ValueError:
        return ""
    kept = [one for name, one in found.parameters.items() if name != "self"]
    if inspect.isclass(thing):
        found = found.replace(return_annotation=inspect.Signature.empty)
    text = str(found.replace(parameters=kept))
    return FUNCTION.sub(r"\1", VARIABLE.sub("", ADDRESS.sub("", MODULE.sub("", FORWARD.sub(r"\1\2", text)))))


def markdown(docstring: str | None) -> Iterator[str]:
    """Write a Google-style docstring: paragraphs as they are, sections as lists, examples as text."""
    blocks = inspect.cleandoc(docstring or "").split("\n\n")
    at = 0
    while at < len(blocks):
        lines = blocks[at].splitlines()
        if lines == ["::"]:
            example = []
            while at + 1 < len(blocks) and blocks[at + 1].startswith("    "):
                at += 1
                example.append(inspect.cleandoc("\n" + blocks[at]))
            yield "```text\n" + "\n\n".join(example) + "\n```"
        elif lines and SECTION.match(lines[0]):
            yield _section(lines)
        else:
            yield ROLE.sub(r"`\1`", "\n".join(lines))
        at += 1


def _section(lines: list[str]) -> str:
    items: list[str] = []
    for line in lines[1:]:
        entry = ENTRY.match(line)
        if entry is not None:
            items.append(f"- `{entry[1]}`: {entry[2]}")
        elif items:
            items[-1] += " " + line.strip()
        else:
            items.append(f"- {line.strip()}")
    return f"*{lines[0]}*\n\n" + ROLE.sub(r"`\1`", "\n".join(items))
