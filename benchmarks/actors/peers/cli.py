"""``python -m benchmarks peers install [NAME …]``."""

import argparse
import sys

from benchmarks.actors.peers.catalogue import PEERS, interpreter, select
from benchmarks.actors.peers.install import cache_dir, install


def main(arguments: list[str]) -> int:
    """Install peers, or list them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__)
    parser.add_argument("action", choices=["install", "list"])
    parser.add_argument("names", nargs="*", help="peers (default: all but the optional ones)")
    parser.add_argument("--python", help="an interpreter for peers that need a newer Python")
    given = parser.parse_args(arguments)
    cache = cache_dir()
    if given.action == "list":
        for peer in PEERS:
            state = "installed" if interpreter(cache, peer).exists() else "not installed"
            print(f"{peer.name:14} {state}{' (optional)' if peer.optional else ''}")
        return 0
    try:
        chosen = select(given.names or None)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for peer in chosen:
        print(f"{peer.name:14} {install(peer, cache, given.python)}", flush=True)
    return 0
