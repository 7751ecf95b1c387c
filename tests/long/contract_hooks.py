"""What schemathesis is not to hold against a server; loaded by it, with SCHEMATHESIS_HOOKS."""

from __future__ import annotations

from typing import Any

import schemathesis

_ALWAYS = {"content-type", "authorization", "accept", "user-agent"}


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out headers that nobody declared: a server passes them over (RFC 9110, 5.1)."""
    declared = {one.name.lower() for one in case.operation.headers}
    return all(str(name).lower() in declared | _ALWAYS for name in case.headers or {})


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Mend what is meant to be good: its coverage phase makes up 0 for this header, against the pattern."""
    if (case.headers or {}).get("If-Match") == "0" and case.meta.generation.mode.is_positive:
        case.headers["If-Match"] = "*"
