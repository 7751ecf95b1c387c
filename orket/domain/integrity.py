"""What a look at the ledger and its database found."""

from __future__ import annotations

import attrs

FAULTS_MAX = 100


@attrs.frozen
class Fault:
    """One thing that is not as it was written; ``seq`` is the event concerned, 0 for none."""

    seq: int
    what: str


@attrs.frozen
class Anchor:
    """A place in the ledger, noted elsewhere: an event's number and its link (64 hexadecimal digits)."""

    seq: int
    link: str


@attrs.frozen(kw_only=True)
class LedgerReport:
    """What a verification looked at, and the faults it found, at most ``FAULTS_MAX``.

    ``end`` is worth noting outside the machine: a later verification against it also finds the one thing
    that the key cannot show, an older copy of the whole database in the place of this one.
    """

    end: Anchor

    events: int
    runs: int
    blobs: int
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it was written."""
        return not self.faults


@attrs.frozen(kw_only=True)
class DatabaseReport:
    """How a database stands; ``problems`` is empty when it can be used as it is.

    ``schema`` is how many migrations it has seen, of ``schema_newest`` that this version knows.
    """

    sqlite: str
    schema: int
    schema_newest: int
    journal_mode: str
    database_bytes: int
    log_bytes: int
    problems: tuple[str, ...]
