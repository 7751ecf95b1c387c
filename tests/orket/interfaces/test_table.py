"""The table of routes finds what trying one after the other would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from orket.interfaces.table import Table

PATHS = ["/a", "/a/{x}", "/a/{x}/b", "/a/{x}/c/{y:path}/d", "/{x}/b", "/a.b", "/"]
STEPS = st.sampled_from(["a", "b", "c", "d", "x", "a.b", "", "a b", "é", "axb"])


async def nothing(request: Request) -> Response:
    raise AssertionError


ROUTES = [Route(path, nothing, methods=["POST" if path == "/a" else "GET"], name=path) for path in PATHS]


@given(st.lists(STEPS, max_size=6), st.sampled_from(["GET", "POST", "HEAD"]), st.sampled_from(["", "/root"]))
def test_the_same_route_with_the_same_parameters(steps: list[str], method: str, root: str) -> None:
    scope = {"type": "http", "method": method, "path": f"{root}/{'/'.join(steps)}", "root_path": root}
    tried = [(route, *route.matches(scope)) for route in ROUTES]
    wanted = next(((route, match, child) for route, match, child in tried if match is not Match.NONE), None)
    match, child = Table(ROUTES).matches(scope)
    if wanted is None:
        assert match is Match.NONE
    else:
        assert match is wanted[1]
        assert child.pop("orket.route") is wanted[0]
        assert child == wanted[2]


def test_it_is_about_requests_only() -> None:
    assert Table(ROUTES).matches({"type": "websocket", "path": "/a"}) == (Match.NONE, {})
