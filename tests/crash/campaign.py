"""A campaign: run after run, each killed several times, then left in peace to its end, then audited."""

from __future__ import annotations

import os
import select
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import attrs

from orket.domain.events import RunPaused, ToolCallIntended
from orket.infrastructure.sqlite.verify import verify
from tests.crash import moments as at
from tests.crash.audit import audit, stranded
from tests.crash.epics import write_epic
from tests.crash.journal import acknowledged, recorded
from tests.crash.life import ENDED, Place, begin
from tests.crash.moments import Doom, Moments
from tests.crash.tools import DID

KILLS_PER_RUN_MAX = 8
AT_RANDOM = "at random"
RANDOM_DELAY_MAX_S = 0.7
LIFE_S = 45.0
DUMP_S = 1.0


@attrs.define
class Tally:
    """What a campaign did and found."""

    kills: Counter[str] = attrs.field(factory=Counter)
    runs: int = 0
    acknowledged_events: int = 0
    effects: int = 0
    pauses: int = 0
    repeated: Counter[str] = attrs.field(factory=Counter)
    lost: list[str] = attrs.field(factory=list)
    breaches: list[str] = attrs.field(factory=list)
    stranded: list[str] = attrs.field(factory=list)
    orphans: list[str] = attrs.field(factory=list)
    damage: list[str] = attrs.field(factory=list)

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    @property
    def ok(self) -> bool:
        return not any((self.lost, self.breaches, self.stranded, self.orphans, self.damage))

    def report(self) -> dict[str, object]:
        return {
            "kills": self.killed,
            "kills_by_moment": dict(sorted(self.kills.items())),
            "runs": self.runs,
            "acknowledged_events": self.acknowledged_events,
            "lost_acknowledged_events": self.lost,
            "effects": self.effects,
            "pauses": self.pauses,
            "attempts_repeated_with_a_word_on_the_ledger": dict(sorted(self.repeated.items())),
            "silently_repeated_or_unaccounted_effects": self.breaches,
            "stranded_runs": self.stranded,
            "orphan_processes": self.orphans,
            "damaged_ledgers": self.damage,
        }


def campaign(scratch: Path, seed: int, kills: int, limit_s: float) -> Tally:
    """Kill ``kills`` engines, or as many as the time allows; every run begun is brought to its end.

    A run with a breach keeps its folder in ``scratch``.
    """
    tally, deadline = Tally(), time.monotonic() + limit_s
    while tally.killed < kills and time.monotonic() < deadline and tally.ok:
        random = Random(seed * 1_000_003 + tally.runs)
        root = scratch / f"run-{tally.runs}"
        root.mkdir(parents=True)
        _one_run(root, random, tally, min(kills - tally.killed, random.randint(2, KILLS_PER_RUN_MAX)))
        if tally.ok:
            shutil.rmtree(root)
    return tally


def _one_run(root: Path, random: Random, tally: Tally, kills: int) -> None:
    place, epic = Place(root), write_epic(root, random)
    tally.runs += 1
    left, code = kills, None
    while code is None:
        doom, delay_s = _fate(random) if left else (None, LIFE_S)
        pause_at_seq = random.choice((0, random.randint(5, 70)))
        if doom is not None and doom.moment == at.PAUSED:
            pause_at_seq = random.randint(5, 50)
        moments = Moments(doom, pause_at_seq)
        code = _live(place, epic, moments, delay_s, random.choice(("asyncio", "trio")))
        if code is None:
            if not left:
                break
            left -= 1
            tally.kills[AT_RANDOM if doom is None else doom.moment] += 1
            _count_lost(place, tally, root)
    if code != ENDED:
        tally.stranded.append(f"{root.name}: its engine ended with {code}; see {place.log}")
        return
    _settle_accounts(place, tally, root)


def _fate(random: Random) -> tuple[Doom | None, float]:
    """Draw how an engine dies: half at a random time after its birth, half at an announced moment."""
    if random.random() < 0.5:
        return None, random.random() * RANDOM_DELAY_MAX_S
    moment = random.choice(at.ANNOUNCED)
    return Doom(moment, random.randint(1, at.NTH_MAX.get(moment, 4))), LIFE_S


def _live(place: Place, epic: Path, moments: Moments, delay_s: float, backend: str) -> int | None:
    """Let one engine live until it ends by itself (its exit code), or is killed (None)."""
    pid = begin(place, epic, moments, backend)
    handle = os.pidfd_open(pid)
    try:
        ended = bool(select.select([handle], [], [], delay_s)[0])
        if not ended:
            if delay_s >= LIFE_S:
                os.kill(pid, signal.SIGUSR1)  # say in the log where it stands
                select.select([handle], [], [], DUMP_S)
            os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        os.close(handle)
    if not ended and delay_s >= LIFE_S:
        return 124
    return None if code == -signal.SIGKILL else code


def _count_lost(place: Place, tally: Tally, root: Path) -> None:
    if place.acknowledged.exists():
        found = acknowledged(place.acknowledged, place.settings.db_path)
        tally.lost += [f"{root.name}: {one}" for one in found.lost]


def _settle_accounts(place: Place, tally: Tally, root: Path) -> None:
    database = place.settings.db_path
    journal = place.journal.read_text().splitlines() if place.journal.exists() else []
    events = recorded(database)
    tally.acknowledged_events += acknowledged(place.acknowledged, database).events
    _count_lost(place, tally, root)
    tally.effects += sum(1 for line in journal if line.startswith(DID))
    for one in events:
        if isinstance(one.event, ToolCallIntended) and one.event.recovered is not None:
            tally.repeated[one.event.recovered.by] += 1
    tally.breaches += [f"{root.name}: {one}" for one in audit([one.event for one in events], journal)]
    tally.stranded += [f"{root.name}: {one}" for one in stranded(events)]
    tally.pauses += sum(1 for one in events if isinstance(one.event, RunPaused))
    if place.acted_in_pause.exists():
        tally.breaches.append(f"{root.name}: something acted after a pause was acknowledged")
    tally.damage += [f"{root.name}: {one.what}" for one in verify(database).faults]
    tally.orphans += [f"{root.name}: {one}" for one in _orphans(root)]


def _orphans(root: Path) -> Iterator[str]:
    """Find processes that still work in the run's folder."""
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and Path(os.readlink(f"/proc/{name}/cwd")).is_relative_to(root):
                yield Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode()
