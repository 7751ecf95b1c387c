"""The document is valid, complete, and says what the bridge does."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from orket.interfaces.openapi import openapi_document
from orket.interfaces.routes import OPERATIONS
from orket.interfaces.table import Table
from tests.orket.interfaces.engines import open_house


def test_the_document_is_valid() -> None:
    validate(openapi_document(OPERATIONS), cls=OpenAPIV31SpecValidator)


def test_names_are_unique_and_stable() -> None:
    names = [one.name for one in OPERATIONS]
    assert len(set(names)) == len(names)
    assert set(names) >= {"startRun", "listRuns", "getRun", "streamRunEvents", "decideToolCall", "listEvents"}


def test_every_path_parameter_is_declared() -> None:
    for one in OPERATIONS:
        declared = {parameter.name for parameter in one.parameters if parameter.place == "path"}
        assert declared == set(re.findall(r"\{(\w+)", one.path)), one.name


@pytest.mark.anyio
async def test_it_is_served_and_names_every_route() -> None:
    async with open_house() as house:
        document = (await house.client.get("/openapi.json")).json()
        assert document == openapi_document(OPERATIONS)
        served: dict[str, set[str]] = {}
        table = house.app.routes[0]
        assert isinstance(table, Table)
        for route in table.routes:
            if route.path not in ("/openapi.json", "/docs"):
                path = re.sub(r":\w+\}", "}", route.path)
                served[path] = {one.lower() for one in route.methods or ()} - {"head"}
        assert {name: set(methods) for name, methods in document["paths"].items()} == served


def test_a_query_is_spelled_out() -> None:
    document = openapi_document(OPERATIONS)
    found = {one["name"]: one["schema"] for one in document["paths"]["/v1/cards"]["get"]["parameters"]}  # type: ignore[index]  # plain JSON
    assert found["limit"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}
    assert "blocked" in found["status"]["enum"]


def test_every_operation_admits_that_it_can_fail() -> None:
    document = openapi_document(OPERATIONS)
    for methods in document["paths"].values():  # type: ignore[attr-defined]  # plain JSON
        for operation in methods.values():
            failures = [code for code in operation["responses"] if code >= "400"]
            assert {"403", "421", "500"} <= set(failures)
            for code in failures:
                assert list(operation["responses"][code]["content"]) == ["application/problem+json"]
