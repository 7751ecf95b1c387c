"""What the load harness counts: percentiles of successes, failures apart."""

from __future__ import annotations

import pytest

from benchmarks.load.client import Sample, percentile


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [
        ([], 99, 0.0),
        ([3.0], 50, 3.0),
        ([2.0, 1.0], 50, 1.0),
        (list(range(1, 101)), 99, 99.0),
        ([1.0, 9.0], 99, 9.0),
    ],
)
def test_percentiles_are_values_that_were_measured(values: list[float], percent: int, found: float) -> None:
    assert percentile(values, percent) == found


def test_a_failure_counts_as_one_and_not_as_a_time() -> None:
    row = Sample([0.001, 0.003], ["503"]).row()
    assert row == {
        "samples": 3,
        "failures": 1,
        "p50_ms": 1.0,
        "p95_ms": 3.0,
        "p99_ms": 3.0,
        "error_rate_percent": 33.333,
    }
