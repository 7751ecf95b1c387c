"""How errors are told: one message that names what, where and what to do; never a traceback."""

from __future__ import annotations

from collections.abc import Iterator

from actors import ActorsError
from orket.client import Unreachable
from orket.domain.errors import OrketError, RunConflict, RunNotFound, StoreLocked
from orket.interfaces.cli.wording import printable


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Take nested exception groups apart."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error


def complaint(error: BaseException) -> str:
    """Word an error for a person."""
    match error:
        case RunNotFound():
            return f"{printable(error.detail)}; `orket runs` lists the runs"
        case RunConflict(allowed=allowed) if allowed:
            return f"{printable(error.detail)}; possible: {', '.join(allowed)}"
        case StoreLocked():
            return f"{printable(error.detail)}; wait for it to end, or use another --data-dir"
        case Unreachable():
            return f"{printable(error.detail)}; another process holds the database: orket doctor"
        case OrketError():
            return printable(error.detail)
        case ActorsError():
            notes = "; ".join(getattr(error, "__notes__", ()))
            return printable(f"the engine failed: {error}" + (f" ({notes})" if notes else ""))
        case OSError(filename=name) if name:
            return printable(f"{name}: {error.strerror}")
        case _:
            return printable(str(error) or type(error).__name__)
