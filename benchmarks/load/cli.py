"""``python -m benchmarks load``: webhook, heartbeat, starting runs, WebSockets, against ``orket serve``.

The workloads and their sizes are those of the earlier system, which measured nothing in part (runs of unknown
cards, a sleep). Here a webhook is signed and recorded, a run is started for a card file and driven to its end
and a WebSocket is timed until its first event is there.
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from benchmarks.load.client import Sample, request
from benchmarks.load.lean import drive, open_sockets
from benchmarks.load.overload import overload

ROOT = Path(__file__).parent.parent.parent
CARDS = ROOT / "docs" / "examples" / "cards"
TARGET = str(CARDS / "epics" / "ledger_cli.json")
SECRET = "the secret of a benchmark"
START_S = 60.0
# The earlier system's 99th percentiles in milliseconds (11 February 2026, on its machine).
EARLIER: Final = {
    "webhook": 51.361,
    "api_heartbeat": 121.648,
    "parallel_epic_trigger": 9.361,
    "websocket_connect": 130.295,
}


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int]]:
    """Run `orket serve` in a folder of its own; its port and its process."""
    environ = {
        **os.environ,
        "ORKET_PORT": "0",
        "ORKET_MODEL_DIR": str(CARDS),
        "ORKET_DATA_DIR": str(folder),
        "ORKET_GITEA_WEBHOOK_SECRET": SECRET,
        "ORKET_GITEA_URL": "http://127.0.0.1:9",
        "ORKET_GITEA_TOKEN": "not asked in a benchmark",
    }
    command = [sys.executable, "-m", "orket", "serve"]
    with subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        listener = threading.Thread(target=_copy, args=(server.stderr,), daemon=True)
        try:
            line = server.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found is None:
                raise SystemExit(line + server.stderr.read())
            listener.start()  # a pipe that nobody reads would stop the server
            yield int(found[1]), server.pid
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def _copy(lines: IO[str]) -> None:
    for line in lines:
        sys.stderr.write(line)


def delivery(number: int, path: str = "/v1/webhooks/gitea") -> bytes:
    """A signed delivery: an approval, which is recorded and has no effect."""
    told = {
        "action": "reviewed",
        "number": number + 1,
        "pull_request": {"title": "Load", "user": {"login": "ada"}},
        "repository": {"full_name": "ada/lamps"},
        "sender": {"login": "bob"},
        "review": {"type": "pull_request_review_approved", "content": ""},
    }
    body = json.dumps(told).encode()
    return request(
        "POST",
        path,
        body,
        X_Gitea_Signature=hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        X_Gitea_Event="pull_request_approved",
        X_Gitea_Delivery=f"load-{number}",
    )


def start(number: int, path: str = "/v1/runs") -> bytes:
    """A run of the shipped epic."""
    return request("POST", path, json.dumps({"target": TARGET}).encode())


def finished(port: int, bodies: Sequence[bytes]) -> dict[str, int]:
    """Wait until the runs have ended and count their ends."""
    ends: dict[str, int] = {}
    for body in bodies:
        path, status = f"/v1/runs/{json.loads(body)['id']}", "running"
        while status == "running":
            _, (told,) = drive(port, [request("GET", path, Prefer="wait=30")], 1, 200)
            status = json.loads(told)["status"]
        ends[status] = ends.get(status, 0) + 1
    return ends


def measure(
    port: int, pid: int, given: argparse.Namespace
) -> tuple[dict[str, Sample], dict[str, int], dict[str, object]]:
    """All workloads, one after the other; a few requests before warm up the server."""
    beat = request("GET", "/v1/system/heartbeat")
    drive(port, [beat] * 20, 2, 200)
    deliveries = [delivery(number) for number in range(given.webhook_total)]
    hook, _ = drive(port, deliveries, given.webhook_concurrency, 200)
    heart, _ = drive(port, [beat] * given.api_total, given.api_concurrency, 200)
    starts = [start(number) for number in range(given.epic_total)]
    epics, bodies = drive(port, starts, given.epic_concurrency, 202)
    ends = finished(port, bodies)
    events = f"/v1/runs/{json.loads(bodies[0])['id']}/events" if bodies else "/"
    found = {
        "webhook": hook,
        "api_heartbeat": heart,
        "parallel_epic_trigger": epics,
        "websocket_connect": open_sockets(port, events, given.ws_clients),
    }
    if not (bodies and given.overload_s > 0):
        return found, ends, {}
    return found, ends, overload(port, pid, json.loads(bodies[0])["id"], given.overload_s)


def floor(given: argparse.Namespace) -> dict[str, Sample]:
    """The same load on a bare app that does nothing; see ``benchmarks.load.floor``."""
    command = [sys.executable, "-m", "benchmarks.load.floor"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            drive(port, [request("GET", "/200")] * 20, 2, 200)
            deliveries = [delivery(number, "/200") for number in range(given.webhook_total)]
            starts = [start(number, "/202") for number in range(given.epic_total)]
            return {
                "webhook": drive(port, deliveries, given.webhook_concurrency, 200)[0],
                "api_heartbeat": drive(
                    port, [request("GET", "/200")] * given.api_total, given.api_concurrency, 200
                )[0],
                "parallel_epic_trigger": drive(port, starts, given.epic_concurrency, 202)[0],
                "websocket_connect": open_sockets(port, "/", given.ws_clients),
            }
        finally:
            server.kill()


def main(arguments: list[str]) -> int:
    given = _parse(arguments)
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="orket-load-") as folder, serving(Path(folder)) as (port, pid):
        found, ends, overloaded = measure(port, pid, given)
    least = floor(given)
    results = {name: one.row() for name, one in found.items()}
    report: dict[str, Any] = {
        "timestamp_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "load_average_before": round(load_before, 2)},
        "config": {name: value for name, value in vars(given).items() if name != "out"},
        "results": results,
        "floor": {name: one.row() for name, one in least.items()},
        "runs_ended": ends,
        "overload": overloaded,
        "earlier_p99_ms": EARLIER,
        "times_faster_at_p99": {
            name: round(EARLIER[name] / one["p99_ms"], 2) if one["p99_ms"] else None
            for name, one in results.items()
        },
        "first_failures": {name: one.failures[:3] for name, one in found.items() if one.failures},
    }
    out = given.out or Path("benchmarks") / "results" / f"{datetime.now(UTC):%Y-%m-%d}_phase5_load.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(
        json.dumps(
            {
                **results,
                "floor_p99_ms": {name: one.row()["p99_ms"] for name, one in least.items()},
                "runs_ended": ends,
                "overload": overloaded,
                "times_faster_at_p99": report["times_faster_at_p99"],
            },
            indent=1,
        )
    )
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__)
    for name, default in (
        ("--webhook-total", 100),
        ("--webhook-concurrency", 25),
        ("--api-total", 200),
        ("--api-concurrency", 50),
        ("--epic-total", 10),
        ("--epic-concurrency", 10),
        ("--ws-clients", 50),
    ):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--overload-s", type=float, default=30.0, help="overload for so long; 0: not at all")
    parser.add_argument("--out", type=Path, help="JSON (default benchmarks/results/<date>_phase5_load.json)")
    return parser.parse_args(arguments)
