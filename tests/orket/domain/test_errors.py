"""One error tree, drawn where the errors are."""

import inspect

from orket.domain import errors
from orket.domain.errors import OrketError


def test_every_error_hangs_on_the_root_and_stands_in_the_drawing() -> None:
    classes = [
        one for _, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__
    ]
    assert all(issubclass(one, OrketError) for one in classes)
    drawing = (errors.__doc__ or "").split()
    assert [one.__name__ for one in classes if one.__name__ not in drawing] == []


def test_messages_name_place_and_remedy() -> None:
    assert errors.AssetError("a.json", "/issues/0", "is no card").detail == "a.json#/issues/0: is no card"
    assert errors.AssetError("a.json", "", "is missing").detail == "a.json: is missing"
    assert errors.SandboxUnavailable("no bwrap", remedy="install it").detail == "no bwrap; install it"
    unknown = errors.UnknownNode("planner_node", "x", ["default", "fast"])
    assert unknown.detail == "planner_node: no node named 'x'; known: default, fast"
