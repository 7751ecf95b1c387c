#!/usr/bin/env python3
"""Write the generated parts of ``docs/reference/`` out of the code they describe.

    python scripts/build_reference.py           # rewrite them
    python scripts/build_reference.py --check   # exit 1 and name the pages that are out of date

A page may hold words of its own; what stands between ``<!-- generated: NAME -->`` and
``<!-- end -->`` is replaced by what the function ``NAME`` of this script returns.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import api_text
import attrs
import msgspec

import actors
import actors.testing
import actors.top
import orket.testing
from orket.decision_nodes import decisions, registry, selection
from orket.domain import cards, ports, state_machine
from orket.domain.events import Event
from orket.infrastructure.assets import shapes
from orket.interfaces.cli import remotely
from orket.interfaces.cli.app import build
from orket.interfaces.openapi import openapi_document
from orket.interfaces.routes import OPERATIONS

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
CONTENTS = re.compile(r"^## Table of Contents\n.*?(?=^\*\*)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
ROLE = re.compile(r"``([^`]+)``")
JSON = "application/json"
CONVERTOR = re.compile(r":\w+(?=\})")
SECTION = re.compile(r"^(Args|Raises|Returns|Yields|Attributes):\s*$", re.MULTILINE)


def prose(thing: object) -> str:
    """Take the docstring up to its first section, in Markdown."""
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    return ROLE.sub(r"`\1`", SECTION.split(text)[0].strip())


def first_line(thing: object) -> str:
    """Take the first sentence or paragraph of a docstring, on one line."""
    return " ".join(prose(thing).split("\n\n")[0].split())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def code(text: object) -> str:
    """Write something as code."""
    return f"`{text}`"


def default_of(one: attrs.Attribute[Any]) -> str:
    """Write a field's default, or that it has none."""
    if one.default is attrs.NOTHING:
        return "required"
    if isinstance(one.default, attrs.Factory):  # type: ignore[arg-type]  # it is a class at run time
        return "a new one"
    return code(repr(one.default))


# --- what can be generated ---


def events() -> str:
    """Every event, in the order of the union."""
    parts = []
    for kind in get_args(Event):
        rows = [(code(one.name), code(one.type), default_of(one)) for one in attrs.fields(kind)]
        parts.append(f"## {kind.__name__}\n\n{prose(kind)}\n\n{table(('field', 'type', 'default'), rows)}")
    return "\n\n".join(parts)


def transitions() -> str:
    """The law of the cards."""
    rows = []
    for kind in cards.CardType:
        for current in cards.CardStatus:
            seats = state_machine.allowed(kind, current)
            system = [one for one in state_machine.allowed(kind, current, system=True) if one not in seats]
            if seats or system:
                words = [code(kind), code(current), ", ".join(map(code, seats)), ", ".join(map(code, system))]
                rows.append(words)
    return table(("type", "from", "to", "by the engine only"), rows)


def assets() -> str:
    """The keys of each asset file."""
    parts = []
    for name in sorted(shape for shape in vars(shapes) if shape.endswith("Shape") and shape != "CardShape"):
        shape = getattr(shapes, name)
        hints = inspect.get_annotations(shapes.CardShape) | inspect.get_annotations(shape)
        own = msgspec.structs.fields(shape)
        rows = [(code(one.name), code(hints.get(one.name, one.type)), _needed(one)) for one in own]
        parts.append(
            f"### {name.removesuffix('Shape')}\n\n{prose(shape)}\n\n{table(('key', 'type', ''), rows)}"
        )
    return "\n\n".join(parts)


def _needed(one: Any) -> str:  # a field of msgspec, which has no public type
    if one.required:
        return "required"
    return "" if one.default is None else "" if "Factory" in repr(one.default_factory) else _told(one)


def _told(one: Any) -> str:  # as above
    return "" if repr(one.default) in {"NODEFAULT", "<UNSET>"} else f"default {code(one.default)}"


def operations() -> str:
    """Every method of every path: what it takes, its answers and its problems."""
    document: Any = openapi_document(OPERATIONS)
    parts = []
    for one in OPERATIONS:
        path = CONVERTOR.sub("", one.path)
        told = document["paths"][path][one.method.lower()]
        words = [f"## {one.method} {path}", *filter(None, (one.summary, one.description))]
        words += _takes(told, document)
        answers = [(str(answer.status), answer.description) for answer in one.answers]
        problems = sorted({(kind.status, kind.name, kind.title) for kind in one.problems})
        answers += [(str(status), f"{title} ({code(name)})") for status, name, title in problems]
        parts.append("\n\n".join([*words, table(("status", "meaning"), answers)]))
    return "\n\n".join(parts)


def _takes(told: Any, document: Any) -> Iterator[str]:
    rows = [(code(one["name"]), one["in"], one["description"]) for one in told["parameters"]]
    taken = told.get("requestBody", {"content": {}})["content"]
    rows += [(media_type, "body", "bytes, as they are") for media_type in taken if media_type != JSON]
    if JSON in taken:
        name = taken[JSON]["schema"]["$ref"].rpartition("/")[2]
        fields = document["components"]["schemas"][name]["properties"]
        rows += [(code(field), "body", schema.get("description", "")) for field, schema in fields.items()]
    if rows:
        yield table(("takes", "in", ""), rows)


def commands() -> str:
    """The command line."""
    text: str = build().generate_docs(heading_level=2, max_heading_level=4, usage_name="orket")
    return CONTENTS.sub("", text).strip()


def remote_commands() -> str:
    """Show what each command asks of a bridge that ``--url`` names."""
    rows: list[Sequence[str]] = []
    for name, way in remotely.COMMANDS.items():
        if isinstance(way, remotely.Here):
            rows.append((code(name), f"on this machine only: {way.because}", ""))
        else:
            rows.append((code(name), ", ".join(map(code, way.operations)), ", ".join(map(code, way.methods))))
    return table(("command", "operations", "methods of `OrketClient`"), rows)


def names() -> str:
    """What ``actors`` exports."""
    return _exports(actors)


def testing_names() -> str:
    """What ``actors.testing`` exports."""
    return _exports(actors.testing)


def engine_testing_names() -> str:
    """What ``orket.testing`` exports."""
    return _exports(orket.testing)


def top_names() -> str:
    """What ``actors.top`` exports."""
    return _exports(actors.top)


def top_records() -> str:
    """The fields of a snapshot."""
    kinds = (actors.top.Snapshot, actors.top.ActorLine)
    return "\n\n".join(
        text for kind in kinds for text in (f"### {kind.__name__}", *api_text.markdown(kind.__doc__))
    )


def api() -> str:
    """Each name of ``actors`` with its arguments and errors."""
    return api_text.api(actors)


def _exports(package: ModuleType) -> str:
    rows = [(code(name), first_line(getattr(package, name))) for name in package.__all__]
    return table(("name", "what it is"), rows)


def families() -> str:
    """The families of decision nodes."""
    known = registry.NodeRegistry()
    rows = []
    for family in registry.FAMILIES:
        hint = inspect.get_annotations(selection.Nodes)[family.removesuffix("_node")]
        protocol = getattr(decisions, str(hint).rpartition(".")[2])
        text = first_line(protocol).partition(": ")[2]
        built_in = ", ".join(map(code, known.known(family)))
        rows.append((code(family), code(registry.variable(family)), built_in, code(protocol.__name__), text))
    return table(("`process_rules` key", "environment variable", "built in", "protocol", "decides"), rows)


def adapters() -> str:
    """What adapters implement."""
    found = [one for one in vars(ports).values() if getattr(one, "_is_protocol", False)]
    ours = [one for one in found if one.__module__ == ports.__name__]
    return table(("port", "what it is"), [(code(one.__name__), first_line(one)) for one in ours])


BLOCKS: dict[str, Callable[[], str]] = {
    one.__name__: one
    for one in (
        events,
        transitions,
        assets,
        operations,
        remote_commands,
        commands,
        names,
        testing_names,
        engine_testing_names,
        top_names,
        top_records,
        api,
        families,
        adapters,
    )
}


def rewritten(text: str) -> str:
    """Fill in the generated parts of a page."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n\n{found[3]}", text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the generated parts of docs/reference/.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if a page is stale")
    given = parser.parse_args(arguments)
    stale = []
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (new := rewritten(text)) != text:
            stale.append(page.relative_to(ROOT).as_posix())
            if not given.check:
                page.write_text(new, encoding="utf-8")
    for name in stale:
        print(f"{'out of date' if given.check else 'written'}: {name}")
    if stale and given.check:
        print("run: python scripts/build_reference.py", file=sys.stderr)
    return 1 if stale and given.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
