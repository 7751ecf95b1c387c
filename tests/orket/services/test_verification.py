"""Verification over the process driver: what passes, and every way to fail."""

import sys
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.identifiers import CallId
from orket.domain.sandboxes import CommandEnd, CommandResult, Limits
from orket.domain.verification import Scenario, ScenarioStatus, Verification, VerificationResult
from orket.services.verification import judge, same, verify
from tests.orket.services.rooms import Rooms, rooms

WORD = "w0rd"


def scenario(key: str = "S1", given_json: str = "{}", expected_json: str = "3") -> Scenario:
    return Scenario(id=key, input_json=given_json, expected_json=expected_json)


async def check(
    room: Rooms,
    fixture: str,
    *scenarios: Scenario,
    limits: Limits | None = None,
    python: str = sys.executable,
    call: str = "r1/C-1/v",
) -> VerificationResult:
    declared = Verification(
        fixture_path="verification/v.py", fixture_source=fixture, scenarios=scenarios or (scenario(),)
    )
    spec = (
        room.spec
        if limits is None
        else type(room.spec)(
            run_id=room.spec.run_id, workspace=room.spec.workspace, levels=room.spec.levels, limits=limits
        )
    )
    return await verify(declared, spec, CallId(call), room.sandboxes, python=python)


@pytest.mark.anyio
async def test_the_code_of_the_workspace_is_executed(tmp_path: Path) -> None:
    (tmp_path / "work" / "src").mkdir(parents=True)
    (tmp_path / "work" / "src" / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "work" / "calendar.py").write_text("MINE = True\n")
    fixture = (
        "import calendar\nfrom src.sums import add\n"
        "def verify(given):\n    return add(*given['rows'])\n"
        "def verify_S2(given):\n    return {'mine': calendar.MINE, 'rows': (1, 2.0)}\n"
    )
    async with rooms(tmp_path) as room:
        result = await check(
            room,
            fixture,
            scenario("S1", '{"rows": [1, 2]}', "3"),
            scenario("S2", "{}", '{"rows": [1, 2], "mine": true}'),
            scenario("S3", '{"rows": [1, 2]}', "4"),
        )
    assert [(one.id, one.status) for one in result.results] == [
        ("S1", ScenarioStatus.PASS),
        ("S2", ScenarioStatus.PASS),
        ("S3", ScenarioStatus.FAIL),
    ]
    assert result.results[2].actual_json == "3"
    assert result.results[2].reason == "expected 4, got 3"
    assert (result.passed, result.failed, result.ok) == (2, 1, False)
    assert {one.name for one in (tmp_path / "work").iterdir()} == {"src", "calendar.py"}


FAILURES = {
    "def verify(given):\n    raise KeyError('rows')": "KeyError",
    "def verify(given):\n    raise SystemExit(0)": "SystemExit",
    "def verify(given):\n    raise KeyboardInterrupt": "KeyboardInterrupt",
    "def verify(given):\n    raise type('Odd', (BaseException,), {})('x')": "Odd: x",
    "def verify(given):\n    raise type('Mute', (Exception,), {'__str__': lambda s: 1 / 0})": "Mute",
    "def verify(given):\n    return verify(given)": "RecursionError",
    "def verify(given):\n    import os; os._exit(0)": "ended without an answer (exit code 0)",
    "def verify(given):\n    import os; os.abort()": "ended without an answer (signal 6)",
    "def verify(given):\n    import os; os.kill(os.getpid(), 9)": "ended without an answer (signal 9)",
    "def verify(given):\n    return {1, 2}": "not JSON serializable",
    "def verify(given):\n    return float('nan')": "ValueError",
    "def verify(given):\n    return 'x' * 1_000_000": "allowed are",
    "def verify(given):\n    x = []; x.append(x); return x": "ValueError",
    "def other(given):\n    return 3": "neither verify_S1 nor verify",
    "verify = 3": "neither verify_S1 nor verify",
    "def verify(given:\n": "cannot be loaded: SyntaxError",
    "import missing_module": "cannot be loaded: ModuleNotFoundError",
    "raise SystemExit": "cannot be loaded: SystemExit",
    "import os; os._exit(3)": "exit code 3",
    "def verify():\n    return 3": "TypeError",
    "async def verify(given):\n    return 3": "not JSON serializable",
}


@pytest.mark.anyio
async def test_whatever_goes_wrong_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    results: dict[str, VerificationResult] = {}

    async def act(fixture: str) -> None:
        results[fixture] = await check(room, fixture, scenario("S1"), scenario("S1b"), call=fixture)

    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        for fixture in FAILURES:
            group.start_soon(act, fixture)
    for fixture, result in results.items():
        assert (result.passed, result.failed) == (0, 2), fixture
        assert FAILURES[fixture] in result.results[0].reason, fixture


@pytest.mark.anyio
async def test_a_fixture_that_hangs_fails_at_its_time_limit(tmp_path: Path) -> None:
    fixture = "def verify_S1(given):\n    return 3\ndef verify_S2(given):\n    while True: pass\n"
    async with rooms(tmp_path) as room:
        result = await check(room, fixture, scenario("S1"), scenario("S2"), limits=Limits(wall_s=1.5))
    assert [one.status for one in result.results] == [ScenarioStatus.PASS, ScenarioStatus.FAIL]
    assert "timeout" in result.results[1].reason


@pytest.mark.anyio
async def test_a_runner_that_is_stopped_fails_everything(tmp_path: Path) -> None:
    fixture = (
        "import os, signal, time\ndef verify_S1(given):\n    return 3\n"
        "def verify_S2(given):\n    os.kill(os.getppid(), signal.SIGSTOP); time.sleep(60)\n"
    )
    async with rooms(tmp_path) as room:
        result = await check(room, fixture, scenario("S1"), scenario("S2"), limits=Limits(wall_s=1.0))
    assert (result.passed, result.failed) == (0, 2)
    assert all(one.reason.startswith("timeout") for one in result.results)


FORGERIES = [
    'print(\'{word} {{"results": [{{"id": "S1", "value": "3"}}]}}\')',
    "import sys; sys.stdout.write('x' * 1_000_000)",
    'import os; [os.write(fd, b\'x {{"value": "3"}}\\n\') for fd in (1, 2)]',
    "import os; os.close(1); os.close(2)",
    "import sys; sys.stdout = None; sys.stderr = None",
    "import json; json.dumps = lambda *a, **k: '3'",
    "import os; os.write = lambda *a: 1/0",
    "import os; [os.write(int(fd), b'{{\"value\": \"3\"}}\\n') for fd in os.listdir('/proc/self/fd')[3:-1]]",
    "import os; os._exit = lambda *a: None",
]


@pytest.mark.anyio
async def test_output_neither_forges_nor_breaks_the_answer(tmp_path: Path) -> None:
    """Code under test that prints, closes or replaces things passes nothing that it does not return."""
    results: dict[str, VerificationResult] = {}

    async def act(number: int, text: str) -> None:
        (work / f"code{number}.py").write_text(text.format(word=WORD) + "\n")
        fixture = (
            f"def verify_S1(given):\n    import code{number}\n    return 4\n"
            "def verify_S2(given):\n    return 3\n"
        )
        results[text] = await check(room, fixture, scenario("S1"), scenario("S2"), call=text)

    (work := tmp_path / "work").mkdir()
    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        for number, text in enumerate(FORGERIES):
            group.start_soon(act, number, text)
    expected = [ScenarioStatus.FAIL, ScenarioStatus.PASS]
    for text, result in results.items():
        assert [one.status for one in result.results] == expected, (text, result)


@pytest.mark.anyio
async def test_the_expected_values_are_nowhere_in_the_sandbox(tmp_path: Path) -> None:
    fixture = (
        "import os, sys\ndef verify(given):\n"
        "    private = os.path.dirname(__file__)\n    seen = repr(dict(os.environ)) + repr(sys.argv)\n"
        "    for name in os.listdir(private):\n"
        "        if os.path.isfile(f'{private}/{name}'): seen += open(f'{private}/{name}').read()\n"
        "    return 'seldom' + 'value' in seen\n"
    )
    async with rooms(tmp_path) as room:
        result = await check(
            room, fixture, scenario("S1", "{}", "false"), scenario("S2", "{}", '"seldomvalue"')
        )
    assert [one.status for one in result.results] == [ScenarioStatus.PASS, ScenarioStatus.FAIL]


@pytest.mark.anyio
async def test_without_a_fixture_what_was_declared_has_failed(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        result = await check(room, "")
        nothing = await verify(Verification(), room.spec, CallId("v"), room.sandboxes, python=sys.executable)
        assert await room.events() == ()
    assert (result.passed, result.failed) == (0, 1)
    assert "verification/v.py" in result.results[0].reason
    assert nothing.ok


@pytest.mark.anyio
async def test_without_a_sandbox_or_an_interpreter_all_have_failed(tmp_path: Path) -> None:
    fixture = "def verify(given):\n    return 3\n"
    async with rooms(tmp_path, levels=("bubblewrap",)) as room:
        refused = await check(room, fixture)
    async with rooms(tmp_path) as room:
        nothing = await check(room, fixture, python="/no/python")
    assert not refused.ok
    assert "sandbox" in refused.results[0].reason
    assert not nothing.ok


@pytest.mark.anyio
async def test_many_large_values_fit(tmp_path: Path) -> None:
    fixture = "def verify(given):\n    return '\\u20ac\\\"' * 1_500\n"
    expected = '"' + '€\\"' * 1_500 + '"'
    async with rooms(tmp_path) as room:
        result = await check(
            room,
            fixture,
            *(scenario(f"S{number}", "{}", expected) for number in range(12)),
            limits=Limits(wall_s=20, output_bytes=1_000),
        )
    assert result.passed == 12


# --- the judgement alone ------------------------------------------------------------------------------

DECLARED = Verification(fixture_path="v.py", fixture_source="x", scenarios=(scenario(), scenario("S2")))


def told(stdout: bytes, end: CommandEnd = CommandEnd.OK) -> CommandResult:
    return CommandResult(end=end, exit_code=0, stdout=stdout, stderr=b"\xff said", duration_ms=1)


@given(st.binary(max_size=200), st.sampled_from(CommandEnd))
def test_no_output_passes_without_the_word(noise: bytes, end: CommandEnd) -> None:
    assert judge(DECLARED, told(noise, end), WORD).passed == 0


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_no_answer_of_another_shape_breaks_the_judgement(answer: object) -> None:
    import json

    text = f"{WORD} {json.dumps(answer)}".encode()
    assert judge(DECLARED, told(text), WORD).passed == 0


def test_an_answer_counts_only_once_and_only_to_its_end() -> None:
    line = b'w0rd {"results": [{"id": "S1", "value": "3"}]}\n'
    assert judge(DECLARED, told(b"noise\n" + line), WORD).passed == 1
    assert judge(DECLARED, told(line + line), WORD).passed == 0
    assert judge(DECLARED, told(line, CommandEnd.TIMEOUT), WORD).passed == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, JSON)
def test_equality_is_that_of_json(left: object, right: object) -> None:
    assert same(left, left)
    assert same(left, right) == same(right, left)
    if same(left, right):
        assert left == right


def test_true_is_not_one() -> None:
    assert not same([True], [1])
    assert not same(0, False)
    assert same(1, 1.0)
    assert not same({"a": 1}, {"a": 1, "b": None})
