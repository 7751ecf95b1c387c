"""Requests as they are sent, and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Sample:
    """What came of one workload: how long each success took, in seconds, and what failed."""

    durations: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def row(self) -> dict[str, float | int]:
        """Percentiles by nearest rank over successes; the rate of errors counts everything."""
        total = len(self.durations) + len(self.failures)
        found: dict[str, float | int] = {"samples": total, "failures": len(self.failures)}
        for percent in (50, 95, 99):
            found[f"p{percent}_ms"] = round(1000 * percentile(self.durations, percent), 3)
        return {**found, "error_rate_percent": round(100 * len(self.failures) / max(total, 1), 3)}


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Write a request; ``_`` in the names of headers stands for ``-``."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
