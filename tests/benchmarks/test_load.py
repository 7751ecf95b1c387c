"""What the load harness sends, and what it counts: percentiles of successes, failures apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.load.client import Sample, percentile, request
from benchmarks.load.lean import drive, open_sockets
from tests.orket.interfaces.serving import served


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


def test_each_answer_is_counted_once_and_a_wrong_one_is_a_failure(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        port, run = int(server.url.rpartition(":")[2]), server.run()
        sample, bodies = drive(port, [request("GET", "/livez")] * 7, 3, 200)
        assert (len(sample.durations), sample.failures, len(bodies)) == (7, [], 7)
        assert all(json.loads(one)["status"] == "ok" for one in bodies)
        sample, bodies = drive(port, [request("GET", "/nowhere")] * 2, 3, 200)
        assert (len(sample.durations), len(sample.failures), bodies) == (0, 2, [])
        sample = open_sockets(port, f"/v1/runs/{run}/events", 4)
        assert (len(sample.durations), sample.failures) == (4, [])
        assert len(open_sockets(port, "/v1/runs/none/events", 2).failures) == 2
