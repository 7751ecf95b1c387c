"""``/v1/projects``: stacks of services that stay up for a project until their lease ends."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.keys import Scope
from orket.domain.sandboxes import Command, Limits
from orket.interfaces.answers import json_response, next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import (
    ASKS,
    REQUEST_TIMEOUT,
    WITH_BODY,
    Answer,
    Handler,
    Operation,
    Parameter,
)
from orket.interfaces.problems import CONFLICT, SANDBOX, SANDBOX_NOT_FOUND, UNPROCESSABLE
from orket.interfaces.reading import T, read_json, read_query
from orket.services.project_messages import (
    CreateProject,
    DeleteProject,
    ListProjects,
    LookAtProject,
    ProjectLogs,
    RenewProject,
    RunInProject,
    StopProject,
)
from orket.wire.projects import (
    CreateProjectBody,
    ExecBody,
    ExecView,
    ProjectLogsView,
    ProjectPage,
    ProjectView,
    RenewBody,
    exec_view,
    project_view,
)

ID = Parameter(name="sandbox_id", place="path", description="The project sandbox's id, as the list names it.")


class ProjectsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[int, Meta(ge=0, description="Taken from the previous page's `next`.")] = 0


class ProjectLogsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines to show."""

    service: Annotated[str, Meta(max_length=100, description="Of one service; of all if left out.")] = ""
    lines: (
        Annotated[int, Meta(ge=1, le=10_000, description="How many; the house's number if left out.")] | None
    ) = None


async def index(bridge: Bridge, request: Request) -> Response:
    """List the project sandboxes."""
    query = read_query(request, ProjectsQuery)
    found = await bridge.ask_project(request, ListProjects())
    end = query.cursor + query.limit
    following = next_page(request, cursor=end) if len(found) > end else ""
    shown = tuple(project_view(one) for one in found[query.cursor : end])
    return page_response(ProjectPage(projects=shown, next=following), following)


async def create(bridge: Bridge, request: Request) -> Response:
    """Bring one up."""
    body = await _read(bridge, request, CreateProjectBody)
    message = CreateProject(name=body.name, workspace=body.workspace, stack=body.stack, lease_s=body.lease_s)
    return json_response(project_view(await bridge.ask_project(request, message)), status=201)


async def show(bridge: Bridge, request: Request) -> Response:
    """Look at one now."""
    return json_response(
        project_view(await bridge.ask_project(request, LookAtProject(sandbox_id=_id(request))))
    )


async def logs(bridge: Bridge, request: Request) -> Response:
    """Show the last lines of its services."""
    query = read_query(request, ProjectLogsQuery)
    message = ProjectLogs(sandbox_id=_id(request), service=query.service, lines=query.lines)
    return json_response(ProjectLogsView(text=await bridge.ask_project(request, message)))


async def execute(bridge: Bridge, request: Request) -> Response:
    """Run a command in a service."""
    body = await _read(bridge, request, ExecBody)
    command = Command(argv=body.argv, limits=Limits(wall_s=body.wall_s, output_bytes=body.output_bytes))
    message = RunInProject(sandbox_id=_id(request), service=body.service, command=command)
    return json_response(exec_view(await bridge.ask_project(request, message)))


async def renew(bridge: Bridge, request: Request) -> Response:
    """Let the lease begin anew."""
    body = await _read(bridge, request, RenewBody)
    message = RenewProject(sandbox_id=_id(request), lease_s=body.lease_s)
    return json_response(project_view(await bridge.ask_project(request, message)))


async def stop(bridge: Bridge, request: Request) -> Response:
    """Stop its services."""
    return json_response(
        project_view(await bridge.ask_project(request, StopProject(sandbox_id=_id(request))))
    )


async def delete(bridge: Bridge, request: Request) -> Response:
    """Leave nothing of it."""
    return json_response(
        project_view(await bridge.ask_project(request, DeleteProject(sandbox_id=_id(request))))
    )


async def _read(bridge: Bridge, request: Request, kind: type[T]) -> T:
    limits = bridge.limits
    return await read_json(request, kind, bytes_max=limits.body_bytes, seconds_max=limits.body_s)


def _id(request: Request) -> str:
    name: str = request.path_params["sandbox_id"]
    return name


_PROBLEMS = (*ASKS, SANDBOX_NOT_FOUND, SANDBOX, CONFLICT, UNPROCESSABLE)
_STANDS = (Answer(status=200, description="The sandbox as it stands now.", body=ProjectView),)


def _command(
    name: str, path: str, summary: str, handler: Handler, *, method: str = "POST", description: str = ""
) -> Operation:
    return Operation(
        name=name,
        method=method,
        path=f"/v1/projects/{{sandbox_id}}{path}",
        summary=summary,
        description=description,
        handler=handler,
        answers=_STANDS,
        parameters=(ID, REQUEST_TIMEOUT),
        problems=_PROBLEMS,
        tag="projects",
        scope=Scope.ADMIN,
    )


OPERATIONS = (
    Operation(
        name="listProjects",
        method="GET",
        path="/v1/projects",
        summary="List the project sandboxes",
        handler=index,
        query=ProjectsQuery,
        answers=(Answer(status=200, description="A page.", body=ProjectPage, headers=("Link",)),),
        parameters=(REQUEST_TIMEOUT,),
        problems=ASKS,
        tag="projects",
    ),
    Operation(
        name="createProject",
        method="POST",
        path="/v1/projects",
        summary="Bring a stack up for a project",
        description="Answered when its services are well, or their time for that is over. Should the "
        "request's deadline pass before, it goes on being brought up.",
        handler=create,
        body=CreateProjectBody,
        answers=(Answer(status=201, description="The sandbox as it stands now.", body=ProjectView),),
        parameters=(REQUEST_TIMEOUT,),
        problems=(*WITH_BODY, *ASKS, SANDBOX, CONFLICT, UNPROCESSABLE),
        tag="projects",
        scope=Scope.ADMIN,
    ),
    Operation(
        name="getProject",
        method="GET",
        path="/v1/projects/{sandbox_id}",
        summary="Look at a project sandbox",
        handler=show,
        answers=_STANDS,
        parameters=(ID, REQUEST_TIMEOUT),
        problems=_PROBLEMS,
        tag="projects",
    ),
    Operation(
        name="getProjectLogs",
        method="GET",
        path="/v1/projects/{sandbox_id}/logs",
        summary="Show the last lines of its services",
        handler=logs,
        query=ProjectLogsQuery,
        answers=(Answer(status=200, description="The lines.", body=ProjectLogsView),),
        parameters=(ID, REQUEST_TIMEOUT),
        problems=_PROBLEMS,
        tag="projects",
    ),
    Operation(
        name="execInProject",
        method="POST",
        path="/v1/projects/{sandbox_id}/exec",
        summary="Run a command in a service",
        handler=execute,
        body=ExecBody,
        answers=(Answer(status=200, description="How it ended.", body=ExecView),),
        parameters=(ID, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *_PROBLEMS),
        tag="projects",
        scope=Scope.ADMIN,
    ),
    Operation(
        name="renewProject",
        method="POST",
        path="/v1/projects/{sandbox_id}/renew",
        summary="Let its lease begin anew",
        handler=renew,
        body=RenewBody,
        answers=_STANDS,
        parameters=(ID, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *_PROBLEMS),
        tag="projects",
        scope=Scope.ADMIN,
    ),
    _command("stopProject", "/stop", "Stop its services", stop, description="Their data are kept."),
    _command(
        "deleteProject",
        "",
        "Delete a project sandbox",
        delete,
        method="DELETE",
        description="Its containers, networks, volumes and built images are removed.",
    ),
)
