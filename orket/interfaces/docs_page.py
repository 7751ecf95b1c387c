"""``/docs``: the bridge described for a person, on one page that needs nothing from outside this machine."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orket.interfaces.openapi import openapi_document
from orket.interfaces.operations import Operation

Node = Mapping[str, Any]

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--dim:#8889}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
nav{columns:2 20rem;margin:1rem 0}nav a{display:block;text-decoration:none}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}
article{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}
article>h3{margin:.25rem 0;font:600 1rem ui-monospace,monospace;overflow-wrap:anywhere}
b.m{display:inline-block;min-width:3.5rem}table{border-collapse:collapse;width:100%;font-size:.9rem}
td{border-top:1px solid var(--line);padding:.25rem .75rem .25rem 0;vertical-align:top;overflow-wrap:anywhere}
code,pre{font:.875rem ui-monospace,monospace}pre{overflow:auto;background:var(--line);padding:.5rem}
small{color:GrayText}summary{cursor:pointer}
"""


def docs_route(operations: Sequence[Operation]) -> Route:
    """Serve the page; it is built when it is first asked for."""
    built: list[bytes] = []

    async def page(request: Request) -> Response:
        if not built:
            built.append("".join(_page(openapi_document(operations))).encode())
        return Response(built[0], media_type="text/html", headers=_HEADERS)

    return Route("/docs", page, methods=["GET"], name="docs")


def _page(document: Node) -> Iterator[str]:
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(title)}</title>"
    yield f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
    yield f"<h1>{_text(title)}</h1><p>{_text(info['description'])} "
    yield "The same as a document for programs: <a href=openapi.json>openapi.json</a>. Errors are problem "
    yield "documents (RFC 9457); a key goes into <code>Authorization: Bearer …</code>.</p><nav>"
    found = [
        (method.upper(), path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    ]
    for method, path, one in found:
        yield f"<a href='#{one['operationId']}'><code>{method} {_text(path)}</code></a>"
    yield "</nav>"
    for tag in document["tags"]:
        yield f"<h2>{_text(tag['name'])}</h2>"
        for method, path, one in found:
            if tag["name"] in one["tags"]:
                yield from _operation(method, path, one, document["components"]["schemas"])
    yield "</html>"


def _operation(method: str, path: str, one: Node, schemas: Node) -> Iterator[str]:
    yield f"<article id='{one['operationId']}'><h3><b class=m>{method}</b> {_text(path)}</h3>"
    yield f"<p>{_text(one['summary'])}. {_text(one.get('description', ''))}</p>"
    body = _body_schema(one, schemas)
    rows = [(p["name"], p["in"], p["description"]) for p in one["parameters"]]
    rows += [(name, "body", part.get("description", "")) for name, part in body.get("properties", {}).items()]
    yield from _table(rows)
    yield f"<pre>{_text(_curl(method, path, one, body))}</pre><details><summary>Answers</summary>"
    yield from _table([(status, "", told["description"]) for status, told in one["responses"].items()])
    scope = next((names[0] for needed in one["security"] for names in needed.values()), "")
    yield f"</details><small>{one['operationId']}{f' · scope {scope}' if scope else ''}</small></article>"


def _table(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    if rows:
        yield "<table>"
        for name, place, told in rows:
            yield f"<tr><td><code>{_text(name)}</code><td><small>{place}</small><td>{_text(told)}"
        yield "</table>"


def _body_schema(one: Node, schemas: Node) -> Node:
    content = one.get("requestBody", {}).get("content", {})
    for told in content.values():
        found: Node = schemas[told["schema"]["$ref"].rpartition("/")[2]]
        return found
    return {}


def _curl(method: str, path: str, one: Node, body: Node) -> str:
    """Write a request that can be pasted, with the examples of the required fields."""
    words = ["curl"] + (["-N"] if "Stream" in one["operationId"] or "stream" in one["operationId"] else [])
    words += ["-X", method] if method != "GET" else []
    if "requestBody" in one:
        example = {name: _example(body["properties"][name]) for name in body.get("required", ())}
        told = msgspec.json.encode(example).decode()
        words += ["-H", "'content-type: application/json'", "-d", f"'{told}'"]
    return " ".join((*words, f"'http://127.0.0.1:8082{path}'"))


def _example(schema: Node) -> object:
    return next(iter(schema.get("examples", ())), 1 if schema.get("type") == "integer" else "…")


def _text(text: str) -> str:
    return html.escape(text, quote=True)
