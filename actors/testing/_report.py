"""What deviates from the plain order, in words."""

from actors.testing._chooser import CLOCK_NAME, LINGER, STICKY
from actors.testing._schedule import Schedule

DEVIATIONS_MAX = 40


def one_line(error: BaseException | None) -> str:
    """Kind and text of an error; empty for none."""
    return f"{type(error).__name__}: {error}" if error is not None else ""


def deviations(schedule: Schedule) -> list[str]:
    """The recorded choices and faults of a schedule, numbered."""
    pairs = schedule.deviations or ()
    told = [f"  {at}. {_deviation(*pair)}" for at, pair in enumerate(pairs[:DEVIATIONS_MAX], 1)]
    more = len(pairs) - DEVIATIONS_MAX
    return [*told, f"  … and {more} more"] if more > 0 else told


def _deviation(key: str, value: str) -> str:
    name, _, step = key.rpartition("@")
    if key.startswith(LINGER):
        return f"{name.removeprefix(LINGER)} lets the others go first, {value} time(s), at its step {step}"
    if key.startswith("!"):
        kind, _, who = name[1:].partition(":")
        return f"inject {kind} into {who}, opportunity {step}"
    at = step.partition(".")[0]
    if value == CLOCK_NAME:
        return f"let the next timer ring before step {at} of {name}"
    if value.endswith(STICKY):
        return f"run {value[:-1]} until it waits, before step {at} of {name}"
    return f"run {value} before step {at} of {name}"
