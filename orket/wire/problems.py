"""Problem details (RFC 9457): the one shape of every error."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PROBLEM_TYPE = "application/problem+json"

Place = Literal["body", "query", "header", "path", "method", "asset", "request"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong, and where."""

    detail: Annotated[str, Meta(description="What is wrong, for a person.")]
    pointer: Annotated[
        str,
        Meta(
            description="JSON pointer (RFC 6901) into the part named by `in`; `/limit` in a query is "
            "the parameter `limit`, `/Host` in a header the header `Host`. Empty means the whole part.",
            examples=["/budget/turns_max"],
        ),
    ]
    place: Annotated[
        Place,
        Meta(description="Which part of the request, or an asset file that it names; `request`: all of it."),
    ] = msgspec.field(name="in", default="body")
    file: Annotated[str, Meta(description="The asset file, when `in` is `asset`.")] = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not carried out."""

    type: Annotated[
        str,
        Meta(description="Stable name of the kind of problem.", examples=["urn:orket:problem:run-not-found"]),
    ]
    title: Annotated[str, Meta(description="The kind of problem, for a person.")]
    status: Annotated[int, Meta(description="The HTTP status code.", ge=400, le=599)]
    detail: Annotated[str, Meta(description="What happened this time, for a person.")]
    instance: Annotated[str, Meta(description="The path that was asked for.")] = ""
    errors: Annotated[
        tuple[Fault, ...], Meta(description="What exactly is wrong, and where; never empty.")
    ] = ()
    allowed: Annotated[
        tuple[str, ...], Meta(description="The commands that are possible instead, on a conflict.")
    ] = ()
    request_id: Annotated[str, Meta(description="The request's id, also found in the server's log.")] = ""
