"""An MCP server in plain Python, for what a well-behaved one does not do; it starts at once.

Its first argument names a file that says what it is like: JSON with ``tools`` (as ``tools/list`` has them),
read again at each question, and ``noise``, lines that are none of the protocol's.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def like() -> dict[str, Any]:
    """Read what it is like now."""
    found: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return found


def say(message: dict[str, Any]) -> None:
    """Say one line."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def text(told: str, **more: Any) -> dict[str, Any]:
    """Make the answer of a tool."""
    return {"content": [{"type": "text", "text": told}], **more}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Carry out a call; a file in the workspace shows that it was made."""
    before = Path("calls.txt").read_text().splitlines() if Path("calls.txt").exists() else []
    with open("calls.txt", "a", encoding="utf-8") as calls:
        calls.write(f"{name}\n")
    if name == "die" or (name == "die_once" and name not in before):
        sys.stderr.write("the disk is full of bees\n")
        sys.stderr.flush()
        os._exit(7)
    if name == "hang":
        if Path("bell").exists():
            Path("bell").write_text("x")
        sys.stdin.read()
    if name == "fail":
        return text("this did not work", isError=True)
    if name == "long":
        return text("x" * 100_000)
    if name == "change":
        say({"method": "notifications/tools/list_changed"})
    if name == "endless":
        sys.stdout.write("x" * 5_000_000)
        sys.stdout.flush()
        sys.stdin.read()
    return text(f"{name} {json.dumps(arguments, sort_keys=True)}")


def main() -> None:
    """Answer line by line."""
    for one in like().get("noise", []):
        print(one, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        match asked.get("method"):
            case "initialize":
                told: dict[str, Any] = {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": {"name": "plain", "version": "1"},
                }
            case "tools/list":
                told = {"tools": like()["tools"]}
            case "tools/call":
                told = call(asked["params"]["name"], asked["params"].get("arguments") or {})
            case _:
                if "id" in asked:
                    say({"id": asked["id"], "error": {"code": -32601, "message": "no such method"}})
                continue
        say({"id": asked["id"], "result": told})


if __name__ == "__main__":
    main()
