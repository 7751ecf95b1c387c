"""What an engine must keep whatever happens: laws over its ledger and over what its tools do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import attrs

from orket.domain import events as e
from orket.domain.identifiers import CallId, RunId
from orket.domain.runs import RunState, RunStatus
from orket.domain.state_machine import allowed
from orket.domain.tools import Verdict


@attrs.define
class _Call:
    """What the ledger says of one call, and how often its tool has begun to act."""

    attempts: int = 0
    allowed: int = 0
    acted: int = 0
    finished: int = 0
    doubted: bool = False


class EngineLaws:
    """Watches an engine; what it finds is in ``broken``.

    - A tool acts only after the attempt was intended and allowed on the ledger, once per attempt.
    - A further attempt says what entitles it: the tool is idempotent, a probe has looked, a person said so.
    - A call has at most one receipt, and none without an intent; after it nothing acts any more.
    - Cards move along the arrows of the state machine only, from where they stand.
    - At the end of a run every intent has its receipt or is in doubt. A run that is done has done its cards
      (``finish``).

    Attributes:
        broken: Sentences, one for each law that was broken.
    """

    def __init__(self) -> None:
        self.broken: list[str] = []
        self._calls: defaultdict[CallId, _Call] = defaultdict(_Call)
        self._runs: dict[RunId, RunState] = {}

    def see(self, recorded: Iterable[e.Recorded]) -> None:
        """Take note of events, as they are recorded."""
        for one in recorded:
            state = self._runs.setdefault(one.run_id, RunState(run_id=one.run_id))
            self._judge(one.event, state)
            state.apply_recorded(one)

    def act(self, call_id: CallId) -> None:
        """A tool begins to act for a call."""
        call = self._calls[call_id]
        call.acted += 1
        if call.acted > call.allowed:
            self._break(f"{call_id} acts for the {call.acted}. time, allowed are {call.allowed}")
        if call.finished:
            self._break(f"{call_id} acts after its receipt")

    def check(self) -> None:
        """Say that nothing is broken.

        Raises:
            AssertionError: Naming what is.
        """
        assert not self.broken, "; ".join(self.broken)

    def finish(self) -> None:
        """Judge the runs as they stand now, when nothing is to happen any more.

        Raises:
            AssertionError: Naming what is broken.
        """
        for state in self._runs.values():
            if state.accepted is not None:
                self._conclude(state)
        self.check()

    def _judge(self, event: e.Event, state: RunState) -> None:
        match event:
            case e.ToolCallIntended():
                self._intended(event)
            case e.ToolCallFinished():
                call = self._calls[event.call_id]
                call.finished += 1
                if call.finished > 1 or not call.attempts:
                    self._break(f"{event.call_id}: {call.finished} receipts for {call.attempts} intents")
            case e.ToolCallInDoubt():
                self._calls[event.call_id].doubted = True
            case e.CardStatusChanged():
                self._moved(event, state)
            case _:
                pass

    def _intended(self, event: e.ToolCallIntended) -> None:
        call = self._calls[event.call.id]
        if event.attempt != call.attempts + 1:
            self._break(f"{event.call.id}: attempt {event.attempt} follows attempt {call.attempts}")
        allowed = event.decision.verdict is Verdict.ALLOW
        if allowed and call.allowed and event.recovered is None:
            self._break(f"{event.call.id}: repeated, and nothing entitles it to that")
        if call.finished:
            self._break(f"{event.call.id}: intended after its receipt")
        call.attempts, call.allowed = event.attempt, call.allowed + allowed

    def _moved(self, event: e.CardStatusChanged, state: RunState) -> None:
        card = state.cards[event.card_id]
        if event.previous is not card.status:
            self._break(f"{card.id} stands at {card.status} and moves from {event.previous}")
        if event.status not in allowed(card.type, card.status, system=True):
            self._break(f"{card.id} moves from {card.status} to {event.status}")

    def _conclude(self, state: RunState) -> None:
        if state.status is RunStatus.DONE and not all(card.is_final for card in state.issues.values()):
            self._break(f"run {state.run_id} is done, and some of its cards are not")
        if not state.is_final:
            return
        for key, call in self._calls.items():
            if key.split("/")[0] != state.run_id or not call.attempts or call.finished or call.doubted:
                continue
            self._break(f"{key}: intended, and has neither a receipt nor a doubt at the end of its run")

    def _break(self, what: str) -> None:
        self.broken.append(what)
