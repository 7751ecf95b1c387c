"""Counting what the bridge did, and telling it in the text format of Prometheus (0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

import attrs

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@attrs.define
class _Durations:
    counts: list[int] = attrs.field(factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0


class Meter:
    """Counts requests by operation and status, and how long they took; as many lines as there are routes."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, int], int] = {}
        self._durations: dict[str, _Durations] = {}

    def ended(self, operation: str, status: int, seconds: float) -> None:
        """A request is over; one that found no operation has an empty name."""
        key = (operation, status)
        self._ended[key] = self._ended.get(key, 0) + 1
        durations = self._durations.get(operation)
        if durations is None:
            durations = self._durations[operation] = _Durations()
        durations.counts[bisect_left(BOUNDS_S, seconds)] += 1
        durations.sum_s += seconds

    def lines(self) -> Iterator[str]:
        """Write what was counted."""
        counted = (({"operation": name, "status": str(code)}, n) for (name, code), n in self._ended.items())
        yield from family("orket_http_requests_total", "counter", "Requests answered.", counted)
        yield from head("orket_http_request_seconds", "histogram", "From the door to the end of the answer.")
        for operation, durations in self._durations.items():
            yield from _histogram("orket_http_request_seconds", operation, durations)


def family(
    name: str, kind: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]
) -> Iterator[str]:
    """Write one metric with its samples."""
    yield from head(name, kind, text)
    for labels, value in samples:
        yield _sample(name, labels, value)


def head(name: str, kind: str, text: str) -> Iterator[str]:
    """Write what a metric is."""
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _histogram(name: str, operation: str, durations: _Durations) -> Iterator[str]:
    total = 0
    for bound, count in zip((*map(repr, BOUNDS_S), "+Inf"), durations.counts, strict=True):
        total += count
        yield _sample(f"{name}_bucket", {"operation": operation, "le": bound}, total)
    yield _sample(f"{name}_sum", {"operation": operation}, durations.sum_s)
    yield _sample(f"{name}_count", {"operation": operation}, total)


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
    return f"{name}{{{told}}} {_number(value)}" if told else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
