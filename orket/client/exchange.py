"""One request and its answer, as typed values or as an error of this package."""

from __future__ import annotations

from typing import TypeVar

import httpx2

from orket.client.errors import ClientError, ClientProblem, UnexpectedAnswer, Unreachable
from orket.wire.codec import decode
from orket.wire.errors import WireInvalid
from orket.wire.problems import PROBLEM_TYPE, Problem

T = TypeVar("T")

# These happen before anything of the request has left.
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def unreachable(error: httpx2.TransportError, base_url: str) -> Unreachable:
    """Describe a failure of the transport."""
    text = str(error) or type(error).__name__
    return Unreachable(f"no answer from {base_url}: {text}", sent=not isinstance(error, _NOT_SENT))


def read_answer(response: httpx2.Response, kind: type[T]) -> T:
    """Read a whole answer as ``kind``.

    Raises:
        ClientProblem: It is a problem.
        UnexpectedAnswer: It is neither.
    """
    if not response.is_success:
        raise failure(response)
    try:
        return decode(kind, response.content)
    except WireInvalid as error:
        raise UnexpectedAnswer(f"{response.request.url}: {error.detail}") from None


def failure(response: httpx2.Response) -> ClientError:
    """Describe an answer that is not a success; its body must have been read."""
    if response.headers.get("content-type", "").partition(";")[0] == PROBLEM_TYPE:
        try:
            problem = decode(Problem, response.content)
        except WireInvalid:
            pass
        else:
            return ClientProblem(problem, retry_after_s=_seconds(response.headers.get("retry-after")))
    return UnexpectedAnswer(
        f"{response.request.url} answered {response.status_code} without a problem document"
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 6 else None
