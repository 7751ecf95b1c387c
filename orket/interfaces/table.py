"""Finding the route of a path in one step, however many there are.

The framework tries one route after the other, so that the last of many costs more than the whole rest of a
request. Here one expression holds all paths; which of its groups matched says whose turn it is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_NAMED = re.compile(r"\(\?P<\w+>")
_FOUND = "orket.route"


class Table(BaseRoute):
    """Routes as one; each path belongs to one route, the first that has it.

    Args:
        routes: They keep their paths, methods and converters.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        paths = (_NAMED.sub("(", route.path_regex.pattern) for route in routes)
        self._paths = re.compile("|".join(f"({path})" for path in paths))
        # A route's group is followed by those of its parameters; the one that ends last is its own.
        groups = itertools.accumulate((1 + route.path_regex.groups for route in routes), initial=1)
        self._by_group = dict(zip(groups, routes, strict=False))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Find the route, and have it read its parameters."""
        found = self._match(scope) if scope["type"] == "http" else None
        if found is None or found.lastindex is None:
            return Match.NONE, {}
        route = self._by_group[found.lastindex]
        kinds = enumerate(route.param_convertors.items(), start=found.lastindex + 1)
        given = {name: kind.convert(found[group]) for group, (name, kind) in kinds}
        methods = route.methods
        match = Match.PARTIAL if methods and scope["method"] not in methods else Match.FULL
        return match, {"endpoint": route.endpoint, "path_params": given, _FOUND: route}

    def route(self, scope: Scope) -> Route | None:
        """Find the route that a path belongs to."""
        found = self._match(scope)
        return None if found is None or found.lastindex is None else self._by_group[found.lastindex]

    def _match(self, scope: Scope) -> re.Match[str] | None:
        path, root = scope["path"], scope.get("root_path", "")
        return self._paths.match(path[len(root) :] if root and path.startswith(root) else path)

    def find(self, scope: Scope) -> ASGIApp | None:
        """Find what serves a request, and have its parameters read into the scope.

        None for what needs the framework's router: no such path, or not with this method.
        """
        if scope["type"] != "http":
            return None
        match, child = self.matches(scope)
        if match is not Match.FULL:
            return None
        scope.update(child)
        route: Route = scope[_FOUND]
        return route.app

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route that was found handle the request; it refuses methods that it does not have."""
        route: Route = scope[_FOUND]
        await route.handle(scope, receive, send)
