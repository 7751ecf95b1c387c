"""A typed client of the HTTP bridge, over TCP or the Unix socket of a running engine, on asyncio and trio."""

from orket.client.connection import OrketClient
from orket.client.errors import ClientError, ClientProblem, UnexpectedAnswer, Unreachable
from orket.client.events import EventStream, Patience, WatchStream

__all__ = [
    "ClientError",
    "ClientProblem",
    "EventStream",
    "OrketClient",
    "Patience",
    "UnexpectedAnswer",
    "Unreachable",
    "WatchStream",
]
