"""``python -m benchmarks NAME …``: each name is one folder or module with ``main(arguments)``."""

import sys
from importlib import import_module
from typing import Final

#: What can be measured, and the module that does it.
COMMANDS: Final = {
    "actors": ("benchmarks.actors.cli", "speed and memory of the actor runtime"),
    "control": ("benchmarks.control.cli", "from a pause or a halt to the moment after which nothing starts"),
    "engine": ("benchmarks.engine.cli", "the engine: durable steps, agent turns, disk, resume, footprint"),
    "load": ("benchmarks.load.cli", "the earlier system's load: webhook, heartbeat, run start, WebSocket"),
    "http": ("benchmarks.http.cli", "the HTTP bridge against a bare handler, and its event streams"),
    "sandbox": ("benchmarks.sandbox.cli", "what a command costs at each sandbox level, and what is left"),
    "simulation": ("benchmarks.simulation.cli", "the simulator: speed, memory, time to each known bug"),
    "peers": ("benchmarks.actors.peers.cli", "install other actor libraries to compare with"),
}


def main(arguments: list[str]) -> int:
    """Run one benchmark; 0 when it was measured, whatever the figures."""
    if not arguments or arguments[0] not in COMMANDS:
        asked = bool(arguments) and arguments[0] in ("-h", "--help")
        print("usage: python -m benchmarks NAME [options]\n", file=sys.stdout if asked else sys.stderr)
        for name, (_, text) in COMMANDS.items():
            print(f"  {name:10} {text}", file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    module, _ = COMMANDS[arguments[0]]
    code: int = import_module(module).main(arguments[1:])
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
