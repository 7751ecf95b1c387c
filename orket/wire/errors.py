"""The one error of this layer."""

from __future__ import annotations

from collections.abc import Sequence

from orket.domain.errors import OrketError
from orket.wire.problems import Fault


class WireInvalid(OrketError):
    """A document is not what its type says; raised by ``codec``.

    Args:
        faults: Where and why, at least one.
        malformed: Whether it is not even JSON, as opposed to JSON of another shape.
    """

    def __init__(self, faults: Sequence[Fault], *, malformed: bool = False) -> None:
        super().__init__("; ".join(f"{one.pointer or '/'}: {one.detail}" for one in faults))
        self.faults, self.malformed = tuple(faults), malformed
