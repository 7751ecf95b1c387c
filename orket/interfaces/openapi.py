"""The OpenAPI 3.1 document, built from the table of operations and the wire types; served as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orket import __version__
from orket.interfaces.events import SSE_TYPE
from orket.interfaces.operations import ALWAYS, KEYED, Answer, Operation, Parameter
from orket.interfaces.problems import Kind
from orket.wire.codec import encode
from orket.wire.problems import PROBLEM_TYPE, Problem

Json = dict[str, object]

_CONVERTOR = re.compile(r"\{(?P<name>\w+):\w+\}")
_REF = "#/components/schemas/{name}"
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `orket keys create`, with the scope that the operation names. Needed everywhere "
    "but on loopback and on the Unix socket.",
}
_HEADERS = {
    "Location": "Where the new resource is found.",
    "Link": 'The next page, with `rel="next"`, if there is one.',
    "Idempotency-Replayed": "`true` when the key was known and nothing was done again.",
    "Retry-After": "Seconds after which to try again.",
    "ETag": "The version of what is shown.",
    "Preference-Applied": "The preference that was heeded.",
    "Allow": "The methods there are.",
    "WWW-Authenticate": "What kind of key is needed.",
    "X-Request-Id": "The request's id.",
}


_PROBLEM_HEADERS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
        HTTPStatus.FORBIDDEN: ("WWW-Authenticate",),
        HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After",),
        HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
    }
)


def openapi_route(operations: Sequence[Operation]) -> Route:
    """Serve the document at ``/openapi.json``; it is built when it is first asked for."""
    built: list[bytes] = []

    async def document(request: Request) -> Response:
        if not built:
            built.append(encode(openapi_document(operations)))
        return Response(built[0], media_type="application/json")

    return Route("/openapi.json", document, methods=["GET"], name="openapi")


def openapi_document(operations: Sequence[Operation]) -> Json:
    """Describe the bridge."""
    paths: dict[str, Json] = {}
    for one in operations:
        paths.setdefault(_CONVERTOR.sub(r"{\g<name>}", one.path), {})[one.method.lower()] = _operation(one)
    _, schemas = msgspec.json.schema_components(_types(operations), ref_template=_REF)
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "Orket",
            "version": __version__,
            "description": "Governed agent work: runs, their cards, and the ledger of everything they did.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": {"key": _KEY}},
    }
    plain: Json = msgspec.json.decode(encode(document))  # defaults that are tuples become arrays
    return plain


def _types(operations: Iterable[Operation]) -> list[type]:
    """List the wire types in use, each once; queries are spelled out as parameters."""
    found: dict[type, None] = {Problem: None}
    for one in operations:
        kinds = (one.body, *(answer.body for answer in one.answers))
        found.update((kind, None) for kind in kinds if kind is not None and kind is not str)
    return list(found)


def _operation(one: Operation) -> Json:
    document: Json = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "parameters": [*map(_parameter, one.parameters), *_query(one.query)],
        "responses": {
            **{str(answer.status): _answer(answer) for answer in one.answers},
            **_problems((*one.problems, *ALWAYS, *(() if one.scope is None else KEYED))),
        },
        "security": [] if one.scope is None else [{}, {"key": [one.scope.value]}],
    }
    if one.description:
        document["description"] = one.description
    if one.raw:
        binary = {"schema": {"type": "string", "format": "binary"}}
        document["requestBody"] = {"required": False, "content": {one.raw: binary}}
    if one.body is not None:
        required = any(field.required for field in msgspec.structs.fields(one.body))
        document["requestBody"] = {"required": required, "content": _content("application/json", one.body)}
    return document


def _parameter(one: Parameter) -> Json:
    schema: Json = {"type": "string", "minLength": 1} if one.schema is None else dict(one.schema)
    return {
        "name": one.name,
        "in": one.place,
        "description": one.description,
        "required": one.place == "path",
        "schema": schema,
    }


def _query(kind: type[msgspec.Struct] | None) -> list[Json]:
    if kind is None:
        return []
    (_,), components = msgspec.json.schema_components([kind], ref_template=_REF)
    properties: dict[str, Json] = components[kind.__name__]["properties"]
    required = components[kind.__name__].get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.pop("description", ""),
            "required": name in required,
            "schema": _inlined(schema, components),
        }
        for name, schema in properties.items()
    ]


def _inlined(schema: Json, components: dict[str, Json]) -> Json:
    """Spell out the enums that a parameter refers to: a query needs no components of its own."""
    if (ref := schema.get("$ref")) is not None:
        return components[str(ref).rpartition("/")[2]]
    if isinstance(options := schema.get("anyOf"), list):
        wanted = [_inlined(one, components) for one in options if one != {"type": "null"}]
        # A parameter is there or not; it cannot say null.
        return wanted[0] if len(wanted) == 1 else {"anyOf": wanted}
    schema.pop("default", None) if schema.get("default", 0) is None else None
    return schema


def _answer(one: Answer) -> Json:
    document: Json = {"description": one.description, "headers": _headers((*one.headers, "X-Request-Id"))}
    if one.body is not None:
        document["content"] = _content(one.media_type, one.body)
    if one.leads_to:
        document["links"] = {name: _link(name) for name in one.leads_to}
    return document


def _link(name: str) -> Json:
    return {"operationId": name, "parameters": {"run_id": "$response.body#/id"}}


def _problems(kinds: Iterable[Kind]) -> Json:
    by_status: dict[int, list[Kind]] = {}
    for kind in sorted(set(kinds), key=lambda one: (one.status, one.name)):
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _problem(status, ours) for status, ours in by_status.items()}


def _problem(status: int, kinds: Sequence[Kind]) -> Json:
    headers = (*_PROBLEM_HEADERS.get(status, ()), "X-Request-Id")
    return {
        "description": " / ".join(f"{kind.title} (`{kind.name}`)" for kind in kinds),
        "headers": _headers(headers),
        "content": _content(PROBLEM_TYPE, Problem),
    }


def _headers(names: Iterable[str]) -> Json:
    return {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}


def _content(media_type: str, kind: type[msgspec.Struct] | type[str]) -> Json:
    schema: Json = {"type": "string"} if kind is str else {"$ref": _REF.format(name=kind.__name__)}
    if media_type == SSE_TYPE:
        schema = _server_sent(schema)
    return {media_type: {"schema": schema}}


def _server_sent(schema: Json) -> Json:
    """Describe one event of a stream; what its ``data`` line holds is JSON."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
    number = {"type": "string", "pattern": "^[0-9]+$"}
    return {"type": "object", "required": ["data", "id"], "properties": {"id": number, "data": data}}
