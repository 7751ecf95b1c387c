"""The guard of a sandbox of containers: a process that outlives a killed engine, and cleans up after it.

Containers belong to the container engine, so they do not end with who asked for them. The guard holds one
end of a pipe; when the other closes without a word, it removes every container that carries the sandbox's
label, and the sandbox's private directory. While it lives it claims the workspace, so that a new engine
waits for it. Standard library only.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote

DONE = b"d"
PASSES_MAX = 100
PAUSE_S = 0.05
ANSWER_S = 30.0


def guard(control: int, engine: str, label: str, private: str) -> None:
    """Wait for the pipe to close, then leave nothing; after ``DONE`` only the directory is left to remove."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    if os.read(control, 1) != DONE:
        remove_containers(engine, label)
    remove_folder(private)


def remove_containers(engine: str, label: str) -> bool:
    """Remove whatever carries ``label``; a request that the dead engine had under way may add one yet."""
    clear = 0
    for _ in range(PASSES_MAX):
        try:
            left = _labelled(engine, label)
            for one in left:
                _ask(engine, "DELETE", f"/containers/{one}?force=1&v=1")
        except (OSError, HTTPException, ValueError, TypeError, KeyError):
            left = ["unknown"]
        clear = 0 if left else clear + 1
        if clear == 2:
            return True
        time.sleep(PAUSE_S)
    return False


def remove_folder(folder: str) -> None:
    """Remove a directory, also what is in folders without permissions."""
    for here, names, _ in os.walk(folder):
        for name in names:
            if not os.path.islink(path := f"{here}/{name}"):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _labelled(engine: str, label: str) -> list[str]:
    wanted = quote(json.dumps({"label": [label]}))
    return [one["Id"] for one in json.loads(_ask(engine, "GET", f"/containers/json?all=1&filters={wanted}"))]


def _ask(engine: str, method: str, path: str) -> bytes:
    connection = HTTPConnection("engine", timeout=ANSWER_S)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(ANSWER_S)
        connection.sock.connect(engine)
        connection.request(method, path)
        return connection.getresponse().read()
    finally:
        connection.close()
