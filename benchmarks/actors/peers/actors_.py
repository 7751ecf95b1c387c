"""``actors`` as a process among those of its peers, on asyncio as they are."""

from benchmarks.actors.candidates import orket
from benchmarks.actors.peers.program import serve

if __name__ == "__main__":
    serve(
        {
            "tell": orket.tell,
            "ask": orket.ask,
            "ask_many": orket.ask_many,
            "ping_pong": orket.ping_pong,
            "ring": orket.ring,
            "spawn": orket.spawn,
            "fan_in": orket.fan_in,
            "crash": orket.crash,
            "memory": orket.memory_idle,
        }
    )
