"""What schemathesis is not to hold against a server; loaded by it, with SCHEMATHESIS_HOOKS."""

from __future__ import annotations

from typing import Any

import schemathesis

PATIENCE_S = 10
_ALWAYS = {"content-type", "authorization", "accept", "user-agent"}


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out headers that nobody declared: a server passes them over (RFC 9110, 5.1)."""
    declared = {one.name.lower() for one in case.operation.headers}
    return all(str(name).lower() in declared | _ALWAYS for name in case.headers or {})


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Mend what is meant to be good.

    Its coverage phase makes up 0 for If-Match, against the pattern. Who asks for an answer within a tenth of
    a second gets 504 on a machine that is busy with other things, and that is no fault.
    """
    headers = case.headers or {}
    if not case.meta.generation.mode.is_positive:
        return
    if headers.get("If-Match") == "0":
        headers["If-Match"] = "*"
    if float(headers.get("Request-Timeout", PATIENCE_S)) < PATIENCE_S:
        headers["Request-Timeout"] = str(PATIENCE_S)
