"""One life of an engine: a process that takes up the run where it stands, and is the person it asks."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import traceback
from pathlib import Path

import anyio
import attrs

from orket.bootstrap import Orket, open_orket
from orket.domain.identifiers import RunId
from orket.domain.ports import CommandKey
from orket.domain.runs import CallState, RunStatus
from orket.domain.tools import HumanVerdict
from orket.infrastructure.codec import encode_event
from orket.infrastructure.sqlite.store import Store
from orket.orchestration.messages import DecideCall, EngineCommand, PauseRun, Refused, ResumeRun, StartRun
from orket.settings import Settings
from tests.crash import moments as at
from tests.crash.journal import digest
from tests.crash.moments import Moments
from tests.crash.tools import JOURNAL, balance, toolbox
from tests.orket.kit import reached, settled

ASK_S = 30.0
ENDED = 0
LOOKS = 20


@attrs.frozen
class Place:
    """Where a run lives, across the lives of its engines."""

    root: Path

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.root / "data", model_dir=self.root / "model", cwd=self.root)

    @property
    def workspace(self) -> Path:
        return self.root / "work"

    @property
    def journal(self) -> Path:
        return self.workspace / JOURNAL

    @property
    def acknowledged(self) -> Path:
        """Lines ``seq digest``, one per event that somebody outside was told of."""
        return self.root / "acknowledged"

    @property
    def paused(self) -> Path:
        """The journal as it was when a pause was acknowledged; there until the run was resumed."""
        return self.root / "paused"

    @property
    def acted_in_pause(self) -> Path:
        """There when something acted after a pause was acknowledged."""
        return self.root / "acted-in-pause"

    def effects(self) -> str:
        """The journal, empty while there is none."""
        return self.journal.read_text() if self.journal.exists() else ""

    @property
    def log(self) -> Path:
        return self.root / "log"


def begin(place: Place, epic: Path, moments: Moments, backend: str) -> int:
    """Fork an engine; return its process id. The caller runs no threads and no event loop."""
    if (pid := os.fork()) != 0:
        return pid
    code = 70
    try:
        log = os.open(place.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text file here
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        code = anyio.run(_live, place, epic, moments, backend=backend)
    except BaseException:  # noqa: BLE001  # the log is all that is left of this process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


async def _live(place: Place, epic: Path, moments: Moments) -> int:
    _announce_commits(moments)
    async with (
        open_orket(place.settings, toolbox=toolbox(moments)) as orket,
        anyio.create_task_group() as group,
    ):
        group.start_soon(_acknowledge, orket, place)
        run_id = await _start(orket, place, epic)
        pausing = Pausing()
        if moments.pause_at_seq and not place.paused.exists():
            group.start_soon(_pause, orket, place, run_id, moments, pausing)
        while not (state := await settled(orket, run_id)).is_final:
            if state.status is RunStatus.PAUSED:
                await _resume(orket, place, run_id, pausing)
            for call in state.waiting_calls():
                await _decide(orket, place, call)
        group.cancel_scope.cancel()
    return ENDED


def _announce_commits(moments: Moments) -> None:
    finish = Store._finish

    def announced(self: Store) -> None:
        moments.reach(at.COMMIT)
        finish(self)
        moments.reach(at.COMMITTED)

    setattr(Store, "_finish", announced)  # noqa: B010  # in this forked process only


async def _start(orket: Orket, place: Place, epic: Path) -> RunId:
    """Start the run, or find that it was started: the key is the same in every life."""
    key = CommandKey(key="the-run", fingerprint="start")
    asked = StartRun(target=str(epic), workspace=str(place.workspace), key=key)
    return (await orket.engine.ask(asked, timeout=ASK_S)).run_id


async def _acknowledge(orket: Orket, place: Place) -> None:
    """Tell the outside of every event that the ledger has told us of."""
    file = os.open(place.acknowledged, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    seq = 0
    while True:
        for one in await orket.ledger.read(after=seq):
            os.write(file, f"{one.seq} {digest(*encode_event(one.event))}\n".encode())
            seq = one.seq
        await orket.ledger.wait(seq)


async def _decide(orket: Orket, place: Place, call: CallState) -> None:
    """Be a person: approve what asks; look at the world about what is in doubt, and say what is there."""
    verdict = HumanVerdict.APPROVE
    if call.doubt:
        happened = balance(place.effects(), call.call.id) > 0
        verdict = HumanVerdict.HAPPENED if happened else HumanVerdict.DID_NOT_HAPPEN
    decision = DecideCall(run_id=call.call.run_id, call_id=call.call.id, verdict=verdict, by="person")
    await _command(orket, decision)


@attrs.define
class Pausing:
    """Whether a person is pausing the run, and whether that was acknowledged."""

    asked: bool = False
    answered: anyio.Event = attrs.field(factory=anyio.Event)


async def _pause(orket: Orket, place: Place, run_id: RunId, moments: Moments, pausing: Pausing) -> None:
    """Pause the run somewhere in its middle; note what had acted when that was acknowledged."""
    await reached(orket, run_id, lambda state: state.last_seq >= moments.pause_at_seq)
    pausing.asked = True
    if await _command(orket, PauseRun(run_id=run_id, by="person")):
        draft = place.root / "paused.new"
        draft.write_text(place.effects())
        draft.rename(place.paused)
        moments.reach(at.PAUSED)
    pausing.answered.set()


async def _resume(orket: Orket, place: Place, run_id: RunId, pausing: Pausing) -> None:
    """Let a paused run go on, after a look whether it really stood still."""
    if pausing.asked:
        await pausing.answered.wait()
    for _ in range(LOOKS):
        await orket.ledger.run(run_id)
    if place.paused.exists():
        if place.paused.read_text() != place.effects():
            place.acted_in_pause.touch()
        place.paused.unlink()
    await _command(orket, ResumeRun(run_id=run_id, by="person"))


async def _command(orket: Orket, command: EngineCommand) -> bool:
    """Give a command; False when the run stands where it cannot be carried out, which a person finds out."""
    try:
        answer = await orket.engine.ask(command, timeout=ASK_S)
    except Refused:
        return False
    return bool(answer.run_id)
