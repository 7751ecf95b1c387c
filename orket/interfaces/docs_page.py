"""``/docs``: the bridge described for a person, on one page that needs nothing from outside this machine."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import get_args, get_type_hints

import attrs
import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orket import __version__
from orket.interfaces.events import SSE_TYPE
from orket.interfaces.operations import ALWAYS, KEYED, Operation

Row = tuple[str, str, str]

_CODE = re.compile(r"`{1,2}([^`]+)`{1,2}")
_CONVERTOR = re.compile(r":\w+(?=\})")
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--quiet:color-mix(in srgb,CanvasText 65%,Canvas)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
nav{columns:2 24rem;margin:1rem 0}nav section{break-inside:avoid-column;margin-bottom:.75rem}
nav b{display:block}nav a{display:block;text-decoration:none;overflow-wrap:anywhere;padding-left:3.5rem}
nav a>b{display:inline-block;min-width:3.5rem;margin-left:-3.5rem;font-weight:400;color:var(--quiet)}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}
article{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}
article>h3{margin:.25rem 0;font:600 1rem ui-monospace,monospace;overflow-wrap:anywhere}
b.m{display:inline-block;min-width:3.5rem}table{border-collapse:collapse;width:100%;font-size:.9rem}
td:first-child{min-width:9.5rem;width:22%}td:nth-child(2){white-space:nowrap;width:1%}
td{border-top:1px solid var(--line);padding:.25rem .75rem .25rem 0;vertical-align:top;overflow-wrap:anywhere}
code,pre{font:.875rem ui-monospace,monospace}pre{overflow:auto;background:var(--line);padding:.5rem}
small{color:var(--quiet)}h4{margin:.75rem 0 .25rem;font-size:.9rem}summary{cursor:pointer}
"""


def docs_route(operations: Sequence[Operation]) -> Route:
    """Serve the page; it is built when it is first asked for."""
    built: list[bytes] = []

    async def page(request: Request) -> Response:
        if not built:
            built.append("".join(_page(operations)).encode())
        return Response(built[0], media_type="text/html", headers=_HEADERS)

    return Route("/docs", page, methods=["GET"], name="docs")


def _page(operations: Sequence[Operation]) -> Iterator[str]:
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>Orket {__version__}</title>"
    yield f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
    yield f"<h1>Orket {__version__}</h1><p>Governed agent work: runs, their cards, and the ledger of "
    yield "everything they did. For programs: <a href=openapi.json>openapi.json</a>. Errors are "
    yield "problem documents (RFC 9457); a key goes into <code>Authorization: Bearer …</code>.</p><nav>"
    for tag in dict.fromkeys(one.tag for one in operations):
        yield f"<section><b>{_text(tag)}</b>"
        for one in operations:
            if one.tag == tag:
                yield f"<a href='#{one.name}'><b><code>{one.method}</code></b><code>{_path(one)}</code></a>"
        yield "</section>"
    yield "</nav>"
    for tag in dict.fromkeys(one.tag for one in operations):
        yield f"<h2>{_text(tag)}</h2>"
        for one in operations:
            if one.tag == tag:
                yield from _operation(one)
    yield "</html>"


def _operation(one: Operation) -> Iterator[str]:
    yield f"<article id='{one.name}'><h3><b class=m>{one.method}</b> {_path(one)}</h3>"
    yield f"<p>{_prose(one.summary)}. {_prose(one.description)}</p>"
    rows = [(parameter.name, parameter.place, parameter.description) for parameter in one.parameters]
    rows += [(field.name, f"query{field.mark}", field.description) for field in _fields(one.query)]
    rows += [(field.name, f"body{field.mark}", field.description) for field in _fields(one.body)]
    rows += [("", "body", f"Bytes as they are, `{one.raw}`.")] if one.raw else []
    yield from _table(rows)
    yield f"<pre>{_text(_curl(one))}</pre><details><summary>Answers</summary>"
    yield from _table(_answers(one))
    yield from _bodies(one)
    scope = "" if one.scope is None else f" · scope {one.scope.value}"
    yield f"</details><small>{one.name}{scope}</small></article>"


def _answers(one: Operation) -> list[Row]:
    known = {*one.problems, *ALWAYS, *(() if one.scope is None else KEYED)}
    kinds = sorted(known, key=lambda kind: (kind.status, kind.name))
    problems = [(str(kind.status), kind.name, kind.title) for kind in kinds]
    return [*((str(answer.status), "", answer.description) for answer in one.answers), *problems]


def _bodies(one: Operation) -> Iterator[str]:
    """Name the fields of each kind of body that a success has."""
    for kind in dict.fromkeys(answer.body for answer in one.answers):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield f"<h4>{kind.__name__}: {_prose((kind.__doc__ or '').partition('.')[0])}</h4>"
            yield from _table([(field.name, "", field.description) for field in _fields(kind)])


def _table(rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield "<table>"
        for name, place, told in rows:
            yield f"<tr><td><code>{_text(name)}</code><td><small>{place}</small><td>{_prose(told)}"
        yield "</table>"


@attrs.frozen
class _Field:
    name: str
    description: str
    example: object
    required: bool

    @property
    def mark(self) -> str:
        return ", needed" if self.required else ""


def _fields(kind: type[msgspec.Struct] | None) -> list[_Field]:
    if kind is None:
        return []
    hints = get_type_hints(kind, include_extras=True)
    return [_field(one, hints[one.name]) for one in msgspec.structs.fields(kind)]


def _field(one: msgspec.structs.FieldInfo, hint: object) -> _Field:
    metas = [part for part in get_args(hint) if isinstance(part, Meta)]
    description = next((meta.description for meta in metas if meta.description), "")
    example = next((meta.examples[0] for meta in metas if meta.examples), "…")
    return _Field(one.encode_name, description, example, one.required)


def _curl(one: Operation) -> str:
    """Write a request that can be pasted, with the examples of the required fields."""
    streams = any(answer.media_type == SSE_TYPE for answer in one.answers)
    words = ["curl", *(["-N"] if streams else []), *(["-X", one.method] if one.method != "GET" else [])]
    if one.raw:
        words += ["-H", "'if-none-match: *'", "--data-binary", "@FILE"]
    if one.body is not None:
        example = {field.name: field.example for field in _fields(one.body) if field.required}
        told = msgspec.json.encode(example).decode()
        words += ["-H", "'content-type: application/json'", "-d", f"'{told}'"]
    query = "&".join(f"{field.name}=…" for field in _fields(one.query) if field.required)
    return " ".join((*words, f"'http://127.0.0.1:8082{_path(one)}{'?' if query else ''}{query}'"))


def _path(one: Operation) -> str:
    return _text(_CONVERTOR.sub("", one.path))


def _prose(text: str) -> str:
    """Show what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", _text(text))


def _text(text: str) -> str:
    return html.escape(text, quote=True)
