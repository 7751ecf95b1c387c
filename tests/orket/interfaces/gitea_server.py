"""A Gitea server as far as Orket asks one: it keeps what it is told, and fails as often as a test wants."""

from __future__ import annotations

import attrs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "token-of-the-stand-in"


@attrs.define
class GiteaStandIn:
    """What it holds; ``deaf`` answers fail before, ``lost`` ones after the request was carried out."""

    comments: list[str] = attrs.field(factory=list)
    issues: list[tuple[str, str]] = attrs.field(factory=list)
    state: str = "open"
    merged: bool = False
    deaf: int = 0
    lost: int = 0

    def app(self) -> Starlette:
        base = "/api/v1/repos/ada/lamps"
        return Starlette(
            routes=[
                Route(f"{base}/issues/7/comments", self.on_comments, methods=["GET", "POST"]),
                Route(f"{base}/issues", self.on_issues, methods=["GET", "POST"]),
                Route(f"{base}/pulls/7", self.on_pull, methods=["GET", "PATCH"]),
                Route(f"{base}/pulls/7/merge", self.on_merge, methods=["POST"]),
            ]
        )

    def refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"token {TOKEN}":
            return JSONResponse({"message": "token is required"}, status_code=401)
        if self.deaf:
            self.deaf -= 1
            return JSONResponse({"message": "busy"}, status_code=503)
        return None

    def done(self, body: object, status: int = 201) -> Response:
        if self.lost:
            self.lost -= 1
            return Response(status_code=502)
        return JSONResponse(body, status_code=status)

    async def on_comments(self, request: Request) -> Response:
        if (refused := self.refusal(request)) is not None:
            return refused
        if request.method == "GET":
            return JSONResponse([{"body": one} for one in self.comments])
        self.comments.append((await request.json())["body"])
        return self.done({})

    async def on_issues(self, request: Request) -> Response:
        if (refused := self.refusal(request)) is not None:
            return refused
        if request.method == "GET":
            return JSONResponse([{"title": title, "body": body} for title, body in self.issues])
        told = await request.json()
        self.issues.append((told["title"], told["body"]))
        return self.done({})

    async def on_pull(self, request: Request) -> Response:
        if (refused := self.refusal(request)) is not None:
            return refused
        if request.method == "PATCH":
            self.state = (await request.json())["state"]
        return self.done({"state": self.state, "merged": self.merged}, 200)

    async def on_merge(self, request: Request) -> Response:
        if (refused := self.refusal(request)) is not None:
            return refused
        if self.merged:
            return JSONResponse({"message": "already merged"}, status_code=405)
        self.merged = True
        return self.done(None, 200)
