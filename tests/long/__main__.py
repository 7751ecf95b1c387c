"""Run the long suites: ``python -m tests.long [--short] [--list] [--only NAME]``.

Each suite's own output passes through; the last line is ``long: N passed, M failed`` and the exit code is
1 if one failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.long.suites import SUITES, Suite

ROOT = Path(__file__).parent.parent.parent
GRACE_S = 10.0


def run(suite: Suite, *, short: bool) -> bool:
    """Run one suite in a session of its own, so that all of it can be ended at the limit."""
    with subprocess.Popen(suite.short if short else suite.full, cwd=ROOT, start_new_session=True) as process:
        try:
            return process.wait(suite.limit_s) == 0
        except subprocess.TimeoutExpired:
            print(f"{suite.name}: not done after {suite.limit_s:.0f} s", flush=True)
            return False
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a suite that still runs: ask it first, so that it may clean up, then kill its session."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def main(arguments: Sequence[str] | None = None, suites: Sequence[Suite] = SUITES) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.long", description="Run the long suites.")
    parser.add_argument("--short", action="store_true", help="the short form of each")
    parser.add_argument("--list", action="store_true", help="say what there is, run nothing")
    parser.add_argument("--only", action="append", choices=[one.name for one in suites], metavar="NAME")
    given = parser.parse_args(arguments)
    if given.list:
        for one in suites:
            print(f"{one.name}: {one.shows}")
        return 0
    failed: list[str] = []
    chosen = [one for one in suites if not given.only or one.name in given.only]
    for one in chosen:
        print(f"--- {one.name}: {one.shows}", flush=True)
        started = time.monotonic()
        good = run(one, short=given.short)
        failed += [] if good else [one.name]
        print(
            f"--- {one.name}: {'passed' if good else 'FAILED'}, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    if failed:
        print(f"failed: {', '.join(failed)}")
    print(f"long: {len(chosen) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
