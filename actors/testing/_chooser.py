"""The one place where a run's choices are made, by seed or from a recording."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from actors.testing._faults import FaultKind, Faults
from actors.testing._mixing import MASK, fingerprint, mix, share
from actors.testing._schedule import Schedule

#: What a choice picks instead of a task: let the next timer ring first.
CLOCK = -1
CLOCK_NAME = "~clock"
#: Ends the name of a task that, once chosen, goes on as long as it can.
STICKY = "*"
#: Options that are compared one by one; of more, one is drawn by its position.
COMPARED_MAX = 24
#: Begins the key of a task that lets others go first, where it cannot be chosen; how often it may, at most.
LINGER = "~linger:"
LINGERED_MAX = 4
LINGERING = 0.4
PREEMPTED = 0.08
#: Shares of steps at which the next timer may overtake, by seed.
CLOCK_RATES = (0.0, 0.02, 0.1, 0.3)
#: Share of the steps at which ``pct`` puts a task last, and how often it may.
DEMOTED = 0.05


class Chooser:
    """Draws every choice of one run, and writes down those that differ from the plain order.

    The key of a choice is the task whose turn it is, the number of its step, and how often it was
    passed over at it; so a choice keeps its meaning when others are taken back.
    """

    def __init__(self, schedule: Schedule, faults: Faults, *, overtake: bool = True) -> None:
        self.seed: int = schedule.seed
        self.strategy = schedule.effective
        self.faults = faults
        self.recorded: dict[str, str] = {}
        self.steps: Counter[str] = Counter()
        self.over = False
        #: For backoff jitter; the same in every run, so that it adds no choices.
        self.random: Random = Random(0)
        self._passed: Counter[str] = Counter()
        self._lingered: Counter[str] = Counter()
        self._replayed = dict(schedule.deviations) if schedule.deviations is not None else None
        self._injected = 0
        #: With a recording: who goes on as long as it can.
        self._sticky: str | None = None
        self._priorities: dict[str, int] = {}
        self._demotions = 1 + self.seed % 5
        still = self.strategy == "plain" or not overtake
        self._most = schedule.most
        self._clock_rate = 0.0 if still else CLOCK_RATES[(self.seed // 4) % len(CLOCK_RATES)]
        self._calm_down()

    @property
    def replaying(self) -> bool:
        """Whether choices come from a recording."""
        return self._replayed is not None

    def task(self, names: Sequence[str], last: int | None, timer: bool) -> int:
        """Which of the ready tasks runs next; ``last`` is the one that ran last, if it can go on.

        Returns:
            An index, or ``CLOCK`` when ``timer`` says that one is set.
        """
        head = names[0]
        if self._replayed is None and not self.over and timer and self._clock_rate:
            now = self.steps[head] + (self._passed[head] << 32)
            if share(self.seed, fingerprint(CLOCK_NAME) ^ fingerprint(head), now) < self._clock_rate:
                self._deviate(head, CLOCK_NAME)
                return CLOCK
        return self._choose(names, last, timer)

    def cell(self, names: Sequence[str]) -> int:
        """Which of the actors with work handles its next message."""
        sticky, self._sticky = self._sticky, None
        index = self._choose(names, None, False)
        self._sticky = sticky or self._sticky
        return index

    def _choose(self, names: Sequence[str], last: int | None, timer: bool) -> int:
        head = names[0]
        if self._replayed is not None:
            index = self._replay(names, timer) if self._replayed else 0
        elif len(names) == 1 or self.over or self.strategy == "plain":
            index = 0
        else:
            index = self._draw(names, last)
            if index:
                self._deviate(head, names[index])
        if index == CLOCK:
            return CLOCK
        self.steps[names[index]] += 1
        if index == 0 and self._passed:
            del self._passed[head]
        return index

    def _deviate(self, head: str, chosen: str) -> None:
        passed = self._passed[head]
        self.recorded[f"{head}@{self.steps[head]}.{passed}"] = chosen
        self._passed[head] = passed + 1

        self._calm_down()

    def _calm_down(self) -> None:
        """Keep to the plain order from here on when the schedule has deviated as often as it may."""
        if self._most is not None and len(self.recorded) >= self._most:
            self.strategy, self._clock_rate, self._injected = "plain", 0.0, self.faults.most

    def _replay(self, names: Sequence[str], timer: bool) -> int:
        assert self._replayed is not None
        head = names[0]
        if self._sticky is not None:
            if self._sticky in names:
                index = names.index(self._sticky)
                self._passed[head] += index > 0
                return index
            self._sticky = None
        wanted = self._replayed.get(f"{head}@{self.steps[head]}.{self._passed[head]}")
        if wanted is None:
            return 0
        if wanted == CLOCK_NAME and timer:
            self._deviate(head, CLOCK_NAME)
            return CLOCK
        name = wanted.removesuffix(STICKY)
        for index in range(1, len(names)):
            if names[index] == name:
                self._deviate(head, wanted)
                self._sticky = name if name != wanted else None
                return index
        return 0

    def _draw(self, names: Sequence[str], last: int | None) -> int:
        strategy = self.strategy
        if strategy == "pct":
            return self._by_priority(names)
        if last is not None and strategy != "random":
            name = fingerprint(names[last])
            if strategy == "block" or share(self.seed, ~name & MASK, self.steps[names[last]]) >= PREEMPTED:
                return last
        return self._by_lot(names)

    def _by_lot(self, names: Sequence[str]) -> int:
        seed, steps = self.seed, self.steps
        if len(names) > COMPARED_MAX:
            return mix(seed, fingerprint(names[0]), steps[names[0]]) % len(names)
        best, most = 0, -1
        for index, name in enumerate(names):
            lot = mix(seed, fingerprint(name), steps[name])
            if lot > most:
                best, most = index, lot
        return best

    def _by_priority(self, names: Sequence[str]) -> int:
        best, most, chosen = 0, -MASK, ""
        for index in range(min(len(names), COMPARED_MAX)):
            name = names[index]
            priority = self._priorities.get(name)
            if priority is None:
                priority = self._priorities[name] = mix(self.seed, fingerprint(name), 0)
            if priority > most:
                best, most, chosen = index, priority, name
        if self._demotions and share(self.seed, ~fingerprint(chosen) & MASK, self.steps[chosen]) < DEMOTED:
            self._demotions -= 1
            self._priorities[chosen] = -1 - self.steps.total()
        return best

    def linger(self, name: str) -> int:
        """How often a task lets the others go first now; for event loops whose queue is out of reach."""
        self._lingered[name] += 1
        number = self._lingered[name]
        key, times = f"{LINGER}{name}@{number}", 0
        if self._replayed is not None:
            times = int(self._replayed.get(key, "0"))
        elif self.strategy != "plain" and not self.over:
            drawn = share(self.seed, fingerprint(f"{LINGER}{name}"), number)
            times = 1 + int(drawn / LINGERING * LINGERED_MAX) if drawn < LINGERING else 0
        if times:
            self.recorded[key] = str(times)
            self._calm_down()
        return times

    def fault(self, kind: FaultKind, *names: str, occurrence: int = 0, rate: float = 1.0) -> bool:
        """Whether this opportunity for a fault is taken; the first name is its key."""
        faults = self.faults
        if self.over:
            return False
        if self._replayed is None and not faults.concerns(kind, *names):
            return False
        key = f"!{kind}:{names[0]}@{occurrence}"
        if self._replayed is not None:
            happens = key in self._replayed
        else:
            drawn = share(self.seed, fingerprint(f"!{kind}:{names[0]}"), occurrence)
            happens = self.seed > 0 and self._injected < faults.most and drawn < faults.rate * rate
        if happens:
            self._injected += 1
            self.recorded[key] = "yes"
            self._calm_down()
        return happens

    def amount(self, key: str) -> float:
        """A number in [0, 1) that is the same however the schedule is shortened."""
        return share(1, fingerprint(key), 0)
