"""Runs scenarios in the sandbox, as ``python -I verification_runner.py PRIVATE``; imports nothing of ours.

Each scenario gets a forked child of its own, so that whatever the code under test does (exit, crash, hang,
exhaust its memory, replace functions) is the end of one scenario and not of the others. Standard output is
taken away from the children before any foreign code is loaded: what they print goes to standard error, and a
value travels on a pipe of its own under a word that is drawn per scenario. What a scenario expects is never
known here: the values that come back are compared outside.

PRIVATE holds ``fixture.py`` and ``scenarios.json``: ``{"each_s", "total_s", "value_bytes_max", "token",
"scenarios": [{"id", "input"}]}``. The answer is one line: the token, a space, and JSON
``{"results": [{"id", "value"} or {"id", "error"}]}``, where ``value`` is JSON text.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import select
import signal
import sys
import time
import traceback
from typing import TypedDict

ERROR_CHARS_MAX = 500
LAST_LINES = 20

# Taken before foreign code can replace them.
DUMPS, WRITE, EXIT = json.dumps, os.write, os._exit


class Given(TypedDict):
    """What ``scenarios.json`` holds."""

    each_s: float
    total_s: float
    value_bytes_max: int
    token: str
    scenarios: list[dict[str, object]]


def call_fixture(private: str, scenario: dict[str, object], value_bytes_max: int) -> dict[str, str]:
    """Load the fixture and call it once; the answer is the value as JSON text, or an error."""
    sys.path.insert(0, os.getcwd())
    spec = importlib.util.spec_from_file_location("orket_fixture", f"{private}/fixture.py")
    assert spec is not None
    assert spec.loader is not None
    fixture = importlib.util.module_from_spec(spec)
    sys.modules["orket_fixture"] = fixture
    try:
        spec.loader.exec_module(fixture)
    except BaseException as error:  # noqa: BLE001  # whatever the fixture raises is its failure
        print_trace(private)
        return {"error": f"the fixture cannot be loaded: {name_error(error)}"}
    function = getattr(fixture, f"verify_{scenario['id']}", None) or getattr(fixture, "verify", None)
    if not callable(function):
        return {"error": f"the fixture has neither verify_{scenario['id']} nor verify"}
    try:
        value = DUMPS(function(scenario["input"]), sort_keys=True, ensure_ascii=True, allow_nan=False)
    except BaseException as error:  # noqa: BLE001  # likewise, also a value that is no JSON
        print_trace(private)
        return {"error": name_error(error)}
    if len(value) > value_bytes_max:
        return {"error": f"returned {len(value)} bytes of JSON; allowed are {value_bytes_max}"}
    return {"value": value}


def print_trace(private: str) -> None:
    """Print the exception's trace; the random name of the private directory says nothing to anybody."""
    print(traceback.format_exc(LAST_LINES).replace(f"{private}/", ""), file=sys.stderr)


def name_error(error: BaseException) -> str:
    """Write an exception as ``Type: text``, whatever its own ``__str__`` does."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001  # likewise
        text = "(no text)"
    return f"{type(error).__name__}: {text}"[:ERROR_CHARS_MAX]


def run_one(
    private: str, given: Given, scenario: dict[str, object], deadline: float, channel: int
) -> dict[str, str]:
    """Run one scenario in a child and wait for its answer or its end."""
    word, bytes_max = secrets.token_hex(16), given["value_bytes_max"]
    answer, tell = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.close(answer)
            os.close(channel)
            os.setsid()
            told = DUMPS(call_fixture(private, scenario, bytes_max))
            write_all(tell, f"{word} {told}\n".encode())
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            EXIT(0)
    os.close(tell)
    line, late = read_line(answer, deadline, 2 * bytes_max + 10_000)
    os.close(answer)
    end_session(pid)
    _, status = os.waitpid(pid, 0)
    mark, _, text = line.partition(b" ")
    if mark == word.encode():
        return parse(text)
    if late:
        return {"error": "timeout: it did not answer in time"}
    code = os.waitstatus_to_exitcode(status)
    return {"error": f"ended without an answer ({'signal' if code < 0 else 'exit code'} {abs(code)})"}


def parse(text: bytes) -> dict[str, str]:
    """Read a child's answer."""
    try:
        found: dict[str, str] = json.loads(text)
    except ValueError:
        return {"error": "the answer was not readable"}
    return found


def end_session(pid: int) -> None:
    """Kill the child and what is left in its process group; who fled is the sandbox's to catch."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except OSError:
            continue


def write_all(fd: int, content: bytes) -> None:
    """Write everything, however small the pipe."""
    while content:
        content = content[WRITE(fd, content) :]


def read_line(fd: int, deadline: float, bytes_max: int) -> tuple[bytes, bool]:
    """Read one line; tell whether the time was up before it was whole or the writer gone."""
    content, waiting = bytearray(), select.poll()
    waiting.register(fd, select.POLLIN)
    while len(content) < bytes_max and b"\n" not in content:
        left = deadline - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            return bytes(content), True
        if not (chunk := os.read(fd, 65_536)):
            break
        content += chunk
    return bytes(content), False


def main(private: str) -> None:
    """Run all scenarios in order and answer on the standard output, which nobody else has."""
    with open(f"{private}/scenarios.json", "rb") as file:
        given: Given = json.load(file)
    os.unlink(f"{private}/scenarios.json")
    channel = os.dup(1)
    os.dup2(2, 1)
    end, results = time.monotonic() + given["total_s"], []
    for scenario in given["scenarios"]:
        deadline = min(end, time.monotonic() + given["each_s"])
        results.append({"id": scenario["id"], **run_one(private, given, scenario, deadline, channel)})
    write_all(channel, f"{given['token']} {json.dumps({'results': results})}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
