"""Everything that is measured, child process by child process, in rounds: ours, then each peer, again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.actors.children import lines_of, result_of
from benchmarks.engine.load import TURNS_PER_CARD
from benchmarks.engine.peers.catalogue import Peer, interpreter

LIMIT_S = 600.0
PEER_LIMIT_S = 240.0
FLIGHTS = ("1", "32", "256")
STEPS = {"1": 400, "32": 6_400, "256": 12_800}
SHORT_STEPS = {"1": 100, "32": 1_280, "256": 2_560}
CARDS = {"1": 40, "32": 320, "256": 640}
SHORT_CARDS = {"1": 10, "32": 64, "256": 256}
#: Units a peer process does, by part and flight; steps of peers cost milliseconds.
PEER_UNITS = {
    "steps": {"1": 150, "32": 640, "256": 1_024},
    "turns": {"1": 50 * TURNS_PER_CARD, "32": 160 * TURNS_PER_CARD, "256": 320 * TURNS_PER_CARD},
}
DISK_TURNS = (25, 100, 400)


def measure(given: argparse.Namespace, cache: Path) -> dict[str, Any]:
    """The whole measurement.

    Raises:
        ChildFailed: A child process of our own did not finish.
    """
    found: dict[str, Any] = {"steps": {}, "turns": {}, "peers": {}}
    for number in range(given.rounds):
        for part in ("steps", "turns"):
            if part in given.parts:
                _say(f"round {number + 1} of {given.rounds}: our {part}")
                _merge(found[part], _ours(part, given))
                for peer in given.chosen:
                    if part in peer.parts:
                        _say(f"round {number + 1} of {given.rounds}: {part} of {peer.name}")
                        _ask_peer(found["peers"].setdefault(peer.name, {}), peer, part, cache)
    return found | _once(given)


def _ours(part: str, given: argparse.Namespace) -> dict[str, Any]:
    counts = {
        "steps": SHORT_STEPS if given.short else STEPS,
        "turns": SHORT_CARDS if given.short else CARDS,
    }[part]
    order = {"counts": counts, "repetitions": given.repetitions, "loop": given.loop}
    return result_of(sys.executable, f"benchmarks.engine.{part}", order, LIMIT_S)


def _merge(into: dict[str, Any], new: dict[str, Any]) -> None:
    """Append the lists of ``new`` to those of ``into``, however deep they lie."""
    for key, value in new.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into.setdefault(key, []).extend(value)


def _ask_peer(into: dict[str, Any], peer: Peer, part: str, cache: Path) -> None:
    python = interpreter(cache, peer)
    if not python.exists():
        into["note"] = "not installed: python -m benchmarks engine --install"
        return
    for flight in FLIGHTS:
        order = {
            "part": part,
            "flight": int(flight),
            "units": PEER_UNITS[part][flight],
            "distribution": peer.requirements[0],
        }
        lines, failure = lines_of(str(python), f"benchmarks.engine.peers.{peer.module}", order, PEER_LIMIT_S)
        if failure or not lines:
            into.setdefault("failures", {})[f"{part} {flight}"] = failure or "no answer"
            continue
        into["version"] = lines[-1].pop("version")
        into.setdefault(part, {}).setdefault(flight, []).append(lines[-1])


def _once(given: argparse.Namespace) -> dict[str, Any]:
    orders = {
        "disk": {"turns": DISK_TURNS[:1] if given.short else DISK_TURNS},
        "resume": {"runs": 100 if given.short else 1_000},
        "footprint": {"repetitions": 3 if given.short else 9, "cards": 20 if given.short else 100},
    }
    found = {}
    for part, order in orders.items():
        if part in given.parts:
            _say(part)
            with TemporaryDirectory() as folder:
                given_folder = {"folder": folder} if part == "footprint" else {}
                found[part] = result_of(
                    sys.executable, f"benchmarks.engine.{part}", order | given_folder, LIMIT_S
                )
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
