"""The naive anyio loop as a process among those of the peers: what their ratios refer to."""

from benchmarks.actors.candidates import naive
from benchmarks.actors.peers.program import serve

if __name__ == "__main__":
    serve(
        {
            "tell": naive.tell,
            "ask": naive.ask,
            "ask_many": naive.ask_many,
            "ping_pong": naive.ping_pong,
            "ring": naive.ring,
            "spawn": naive.spawn,
            "fan_in": naive.fan_in,
            "crash": naive.crash,
            "memory": naive.memory_idle,
        }
    )
