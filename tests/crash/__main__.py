"""Run a kill campaign: ``python -m tests.crash [--kills N] [--seed N] [--limit SECONDS] [--out FILE]``.

Prints the tally as JSON; the exit code is 1 if anything was lost, silently repeated, stranded or orphaned, or
if the time was up before half of the kills were made, or nothing acted at all.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.campaign import campaign


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash", description="Kill engines, audit the rest."
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=330.0, metavar="SECONDS")
    parser.add_argument("--out", type=Path, default=None, metavar="FILE")
    given = parser.parse_args()
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="orket-kills-"))
    tally = campaign(scratch, given.seed, given.kills, given.limit)
    took_s = round(time.monotonic() - started, 1)
    text = json.dumps({"seed": given.seed, **tally.report(), "took_s": took_s}, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n", encoding="utf-8")
    if tally.ok:
        scratch.rmdir()
        return 0 if tally.effects and tally.killed * 2 >= given.kills else 1
    print(f"what is left of it lies in {scratch}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
