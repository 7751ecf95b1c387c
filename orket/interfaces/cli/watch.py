"""A run as a watcher sees it: the folded state, and how long it has worked."""

from __future__ import annotations

from datetime import datetime

import attrs

from orket.domain import events as e
from orket.domain.identifiers import RunId
from orket.domain.runs import RunState, RunStatus


@attrs.define(kw_only=True)
class Watch:
    """A ``RunState`` with a stopwatch that stands still while the run is paused or parked."""

    state: RunState
    worked_s: float = 0.0
    _since: datetime | None = None

    @classmethod
    def of(cls, run_id: RunId) -> Watch:
        """Begin before the first event."""
        return cls(state=RunState(run_id=run_id))

    def apply(self, recorded: e.Recorded) -> bool:
        """Fold one event; False for one that was folded before."""
        if recorded.seq <= self.state.last_seq:
            return False
        self.worked_s = self.elapsed_s(recorded.at)
        self.state.apply_recorded(recorded)
        self._since = recorded.at if self.state.status is RunStatus.RUNNING else None
        return True

    def elapsed_s(self, now: datetime) -> float:
        """Tell how many seconds the run has worked until ``now``."""
        running_s = 0.0 if self._since is None else (now - self._since).total_seconds()
        return self.worked_s + max(running_s, 0.0)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens by itself: the run has ended, is paused, or waits for a person."""
        return self.state.status is not RunStatus.RUNNING
