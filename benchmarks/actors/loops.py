"""The three event loops."""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio

LOOPS: Final = ("asyncio", "uvloop", "trio")


def run_on(loop: str, main: Callable[[], Awaitable[Any]]) -> Any:
    """Run ``main`` on the event loop of that name."""
    if loop == "trio":
        return anyio.run(main, backend="trio")
    return anyio.run(main, backend="asyncio", backend_options={"use_uvloop": loop == "uvloop"})


def answer(main: Callable[[dict[str, Any]], Any]) -> None:
    """As a child process: do what ``argv`` says and print the result as JSON."""
    print(json.dumps(main(json.loads(sys.argv[1]))))
