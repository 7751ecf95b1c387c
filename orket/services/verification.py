"""Verification: executes what a run wrote, in the run's own sandbox, and compares outside of it.

The sandbox is told the fixture and the inputs, never the expected values: a value counts only if it came back
under a word drawn for this verification, and equals what the card declares. Whatever else happens fails every
declared scenario and says why.
"""

from __future__ import annotations

import json
import secrets
from functools import cache
from pathlib import Path

import attrs

from actors import Ref
from orket.domain.identifiers import CallId
from orket.domain.sandboxes import Command, CommandEnd, CommandResult, InputFile, Limits, SandboxSpec
from orket.domain.verification import (
    Scenario,
    ScenarioResult,
    ScenarioStatus,
    Verification,
    VerificationResult,
    all_failed,
)
from orket.services.sandbox_messages import RunInSandbox, SandboxRefused

SCENARIO_S = 10.0
VALUE_BYTES_MAX = 16_384
LOG_CHARS_MAX = 4_000
RUNNER = "verification_runner.py"


async def verify(
    verification: Verification,
    spec: SandboxSpec,
    call_id: CallId,
    sandboxes: Ref[RunInSandbox],
    *,
    python: str,
) -> VerificationResult:
    """Run a card's scenarios.

    Args:
        verification: What the card declares.
        spec: The sandbox of its run; the limits of its commands bound the verification as a whole.
        call_id: Names the command, so that it can be ended.
        sandboxes: The sandbox orchestrator.
        python: Path of the interpreter that runs fixture and code, inside the sandbox.

    Returns:
        A result for every declared scenario. A sandbox that cannot be had fails all of them.

    Raises:
        DeliveryError: The orchestrator is gone; nothing was executed.
        ReplyError: It was lost meanwhile; the code may have been executed.
    """
    if not verification.scenarios:
        return VerificationResult(results=())
    if not verification.fixture_source.strip():
        return all_failed(verification, f"there is no fixture {verification.fixture_path}".rstrip())
    word = secrets.token_hex(16)
    command = _command(verification, spec.limits, python, word)
    try:
        told = await sandboxes.ask(RunInSandbox(spec=spec, call_id=call_id, command=command))
    except SandboxRefused as refusal:
        return all_failed(verification, f"sandbox: {refusal.error.detail}")
    return judge(verification, told, word)


def judge(verification: Verification, told: CommandResult, word: str) -> VerificationResult:
    """Compare what came back with what the card declares; pure."""
    log = told.stderr.decode("utf-8", "replace")[-LOG_CHARS_MAX:]
    if told.end is not CommandEnd.OK:
        return all_failed(verification, f"{told.end}: the verification did not come to its end", log)
    try:
        answers = _answers(told.stdout, word)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        return all_failed(verification, f"the verification's answer cannot be read: {error}", log)
    results = tuple(_compare(one, answers.get(one.id, {})) for one in verification.scenarios)
    return VerificationResult(results=results, log=log)


def _command(verification: Verification, limits: Limits, python: str, word: str) -> Command:
    count = len(verification.scenarios)
    given = {
        "each_s": SCENARIO_S,
        "total_s": limits.wall_s * 0.8,  # the rest is for starting, and for answering in time
        "value_bytes_max": VALUE_BYTES_MAX,
        "token": word,
        "scenarios": [{"id": one.id, "input": json.loads(one.input_json)} for one in verification.scenarios],
    }
    return Command(
        argv=(python, "-I", "-B", f"{{private}}/{RUNNER}", "{private}"),
        files=(
            InputFile(name=RUNNER, content=_runner()),
            InputFile(name="fixture.py", content=verification.fixture_source.encode()),
            InputFile(name="scenarios.json", content=json.dumps(given).encode()),
        ),
        # Both quotings of JSON can grow a value; the answer must never be cut.
        limits=attrs.evolve(limits, output_bytes=limits.output_bytes + 3 * (VALUE_BYTES_MAX + 2_000) * count),
    )


@cache
def _runner() -> bytes:
    return Path(__file__).with_name(RUNNER).read_bytes()


def _answers(stdout: bytes, word: str) -> dict[str, dict[str, str]]:
    """Read the one line that carries the word; text around it is not ours."""
    lines = [line for line in stdout.decode("utf-8", "replace").splitlines() if line.startswith(f"{word} ")]
    if len(lines) != 1:
        raise ValueError(f"{len(lines)} answers instead of one")
    return {one["id"]: one for one in json.loads(lines[0].partition(" ")[2])["results"]}


def _compare(scenario: Scenario, answer: dict[str, str]) -> ScenarioResult:
    if (actual := answer.get("value")) is None:
        return _failed(scenario, answer.get("error") or "no answer")
    try:
        equal = same(json.loads(actual), json.loads(scenario.expected_json))
    except (ValueError, RecursionError) as error:
        return _failed(scenario, f"the value cannot be compared: {error}")
    if not equal:
        return attrs.evolve(
            _failed(scenario, f"expected {_short(scenario.expected_json)}, got {_short(actual)}"),
            actual_json=actual,
        )
    return ScenarioResult(id=scenario.id, status=ScenarioStatus.PASS, actual_json=actual)


def _failed(scenario: Scenario, reason: str) -> ScenarioResult:
    return ScenarioResult(id=scenario.id, status=ScenarioStatus.FAIL, reason=reason)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"


def same(left: object, right: object) -> bool:
    """Compare two JSON values: ``true`` is not 1, but 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right
