"""The tool executor and its calls: judged, recorded, carried out, joined, ended, recovered."""

import json
from pathlib import Path

import anyio
import attrs
import pytest

from actors import Crashed
from orket.decision_nodes.decisions import GateInput
from orket.decision_nodes.registry import Nodes
from orket.domain.assets import Organization, PolicyRule
from orket.domain.events import Event, ModelFailed, SandboxChanged, ToolCallIntended
from orket.domain.identifiers import CallId
from orket.domain.tools import GateDecision, HumanVerdict, Permission, Recovery, ToolResult, Verdict
from orket.services import tool_executor
from orket.services.tool_messages import (
    CallEnded,
    CallOutcome,
    EndCalls,
    EndedCall,
    ExecuteTool,
    ExecutorBusy,
    OtherAttempt,
    Settle,
)
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.toolbox import TOOLBOX, make_toolbox
from orket.services.tools.workbench import Workbench
from tests.contracts.sandbox_drivers import Herald, carrying, token
from tests.orket.services.rooms import CARD, NODES, RUN, Rooms, rooms

pytestmark = pytest.mark.anyio

ASKING = Organization(policy=(PolicyRule(effect="ask", tool="run_command"),))
IDEMPOTENT = Organization(command_recovery="idempotent")


async def intents(room: Rooms) -> list[ToolCallIntended]:
    return [one for one in await room.events() if isinstance(one, ToolCallIntended)]


def result_of(outcome: CallOutcome) -> ToolResult:
    assert outcome.result is not None, outcome
    return outcome.result


async def test_a_call_is_recorded_before_it_acts(tmp_path: Path) -> None:
    """The sandbox opens only after the intent is on the ledger."""
    async with rooms(tmp_path) as room:
        asked = room.ask_for("write_file", path="x.txt", content="one")
        outcome = await room.executor.ask(asked)
        events = await room.events()
    assert result_of(outcome).ok
    assert json.loads(result_of(outcome).output) == {"path": "x.txt", "size_bytes": 3}
    assert (tmp_path / "work" / "x.txt").read_text() == "one"
    first = events[0]
    assert isinstance(first, ToolCallIntended)
    assert (first.call, first.attempt, first.recovery) == (asked.call, 1, Recovery.IDEMPOTENT)
    assert first.decision == outcome.decision
    assert isinstance(events[1], SandboxChanged)


NOTED = (ModelFailed(card_id=CARD.id, turn=1, error="said before", code="test"),)


async def test_what_was_noted_before_a_call_is_recorded_with_its_intent(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        asked = attrs.evolve(room.ask_for("list_directory"), noted=NOTED)
        await room.executor.ask(asked)
        noted, intended, *_ = await room.ledger.read(RUN, after=1)
        assert (noted.event, type(intended.event), noted.at) == (NOTED[0], ToolCallIntended, intended.at)
        with pytest.raises(OtherAttempt):  # its reply is another than the one on the ledger
            await room.executor.ask(asked)
        assert (await room.events()).count(NOTED[0]) == 1


async def test_what_was_noted_is_not_recorded_twice_when_the_tool_fails(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=BROKEN) as room:
        with pytest.raises(Crashed):
            await room.executor.ask(attrs.evolve(room.ask_for("explode", offered=BROKEN), noted=NOTED))
        assert [type(one) for one in await room.events()] == [ModelFailed, ToolCallIntended]


async def test_who_does_not_know_of_a_lost_attempt_is_sent_to_the_ledger_once(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=BROKEN) as room:
        asked = room.ask_for("explode", offered=BROKEN)
        with pytest.raises(Crashed):
            await room.executor.ask(asked)
        with pytest.raises(OtherAttempt):  # the ledger says by now that it was intended
            await room.executor.ask(asked)
        assert [type(one) for one in await room.events()] == [ToolCallIntended]
        with pytest.raises(Crashed):  # had the attempt died before its intent, this would be right
            await room.executor.ask(asked)
        outcome = await room.executor.ask(attrs.evolve(asked, attempts=1, verdict=HumanVerdict.HAPPENED))
        assert result_of(outcome).ok


async def test_a_call_that_has_ended_is_answered_again_until_it_is_settled(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        asked = room.ask_for("run_command", argv=["sh", "-c", "echo x >> log; wc -l < log"])
        first = await room.executor.ask(asked)
        again = await room.executor.ask(attrs.evolve(asked, attempts=1))
        assert again == first
        assert len(await intents(room)) == 1
        room.executor.tell(Settle(call_id=asked.call.id))
        settled = await room.executor.ask(attrs.evolve(asked, attempts=1))
        assert settled.result is None
        assert "may or may not have acted" in settled.doubt
        assert (tmp_path / "work" / "log").read_text() == "x\n"
        assert len(await intents(room)) == 1


async def test_a_call_that_runs_is_joined(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        herald, gate = Herald(tmp_path), Herald(tmp_path)
        asked = room.ask_for(
            "run_command", argv=["sh", "-c", f"echo x >> log; echo up > {herald.path}; cat {gate.path}"]
        )
        outcomes: list[CallOutcome] = []

        async def act(attempts: int) -> None:
            outcomes.append(await room.executor.ask(attrs.evolve(asked, attempts=attempts)))

        async with anyio.create_task_group() as group:
            group.start_soon(act, 0)
            await herald.word()
            group.start_soon(act, 1)
            await room.executor.ask(room.ask_for("list_directory", 1))  # the executor is not held up
            await anyio.to_thread.run_sync(gate.path.write_text, "go")
        assert outcomes[0] == outcomes[1]
        assert (tmp_path / "work" / "log").read_text() == "x\n"


async def test_a_denied_call_says_which_rule_and_why_and_does_nothing(tmp_path: Path) -> None:
    house = Organization(policy=(PolicyRule(effect="deny", tool="write_file", path="secret/*"),))
    async with rooms(tmp_path) as room:
        outcome = await room.executor.ask(
            room.ask_for("write_file", organization=house, path="secret/x", content="1")
        )
        recorded = await intents(room)
    assert result_of(outcome).code == "denied"
    assert "policy/0" in result_of(outcome).output
    assert recorded[0].decision.verdict is Verdict.DENY
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("", "arguments"),
        ("{", "arguments"),
        ("[1]", "arguments"),
        ("null", "arguments"),
        ('"text"', "arguments"),
        ("[" * 100_000, "arguments"),
        ('{"path": "\\ud800", "content": ""}', "arguments"),
        ('{"path": 1, "content": ""}', "arguments"),
        ('{"path": "x"}', "arguments"),
        ('{"path": "x", "content": "", "mode": 1}', "arguments"),
        ('{"path": "../x", "content": ""}', "path"),
    ],
    ids=lambda value: value[:20],
)
async def test_arguments_that_do_not_fit_are_a_result(tmp_path: Path, raw: str, rule: str) -> None:
    async with rooms(tmp_path) as room:
        outcome = await room.executor.ask(room.ask_for("write_file", raw=raw))
        assert (result_of(outcome).code, outcome.decision.rule) == ("denied", rule)
        assert len(await intents(room)) == 1


async def test_an_unknown_tool_is_denied(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        outcome = await room.executor.ask(room.ask_for("launch_missiles", offered=("launch_missiles",)))
    assert (result_of(outcome).code, outcome.decision.rule) == ("denied", "unknown_tool")


async def test_an_error_of_a_tool_is_a_result(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        missing = result_of(await room.executor.ask(room.ask_for("read_file", path="missing.txt")))
        split = result_of(await room.executor.ask(room.ask_for("run_command", 1, argv="echo 'oops")))
    assert (missing.ok, missing.code) == (False, "not_found")
    assert split.code == "bad_arguments"


async def test_a_sandbox_that_cannot_be_had_is_infrastructure(tmp_path: Path) -> None:
    async with rooms(tmp_path, levels=("bubblewrap",)) as room:
        outcome = await room.executor.ask(room.ask_for("run_command", argv=["true"]))
    assert result_of(outcome).code == "infrastructure"
    assert "bubblewrap" in result_of(outcome).output


# --- a person is asked ------------------------------------------------------------------------------


async def test_a_call_that_needs_approval_waits_for_it_and_uses_it_once(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        asked = room.ask_for("run_command", organization=ASKING, argv=["sh", "-c", "echo x >> log"])
        waiting = await room.executor.ask(asked)
        assert waiting.result is None
        assert waiting.decision.verdict is Verdict.ASK
        assert not (tmp_path / "work" / "log").exists()
        approved = await room.executor.ask(attrs.evolve(asked, attempts=1, verdict=HumanVerdict.APPROVE))
        assert result_of(approved).ok
        recorded = await intents(room)
        assert [(one.attempt, one.decision.verdict) for one in recorded] == [
            (1, Verdict.ASK),
            (2, Verdict.ALLOW),
        ]
        assert "approved by a person" in recorded[1].decision.reason
        room.executor.tell(Settle(call_id=asked.call.id))
        # As after a crash: the attempt consumed the approval, so the call is in doubt.
        doubt = await room.executor.ask(attrs.evolve(asked, attempts=2))
        assert doubt.result is None
        assert (tmp_path / "work" / "log").read_text() == "x\n"


async def test_an_approval_does_not_overrule_a_denial(tmp_path: Path) -> None:
    house = Organization(policy=(PolicyRule(effect="deny", tool="run_command"),))
    async with rooms(tmp_path) as room:
        asked = room.ask_for(
            "run_command", organization=house, attempts=1, verdict=HumanVerdict.APPROVE, argv=["true"]
        )
        outcome = await room.executor.ask(asked)
        assert result_of(outcome).code == "denied"
        assert [one.decision.verdict for one in await intents(room)] == [Verdict.DENY]


async def test_a_person_denies(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        asked = room.ask_for(
            "run_command", organization=ASKING, attempts=1, verdict=HumanVerdict.DENY, argv=["touch", "x"]
        )
        outcome = await room.executor.ask(asked)
    assert result_of(outcome).code == "denied"
    assert "a person" in result_of(outcome).output
    assert not (tmp_path / "work").exists()


async def test_a_person_says_that_it_happened(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        asked = room.ask_for("run_command", attempts=1, verdict=HumanVerdict.HAPPENED, argv=["touch", "x"])
        outcome = await room.executor.ask(asked)
        assert await intents(room) == []
    assert result_of(outcome).ok
    assert "confirmed by a person" in result_of(outcome).output
    assert not (tmp_path / "work").exists()


async def test_a_person_says_that_it_did_not_happen(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        asked = room.ask_for(
            "run_command", attempts=1, verdict=HumanVerdict.DID_NOT_HAPPEN, argv=["touch", "x"]
        )
        outcome = await room.executor.ask(asked)
        assert [one.attempt for one in await intents(room)] == [2]
    assert result_of(outcome).ok
    assert (tmp_path / "work" / "x").exists()


# --- after a crash ----------------------------------------------------------------------------------


async def test_a_call_in_doubt_goes_on_as_it_declares(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        written = await room.executor.ask(room.ask_for("write_file", attempts=1, path="x", content="1"))
        command = room.ask_for("run_command", 1, attempts=1, argv=["true"])
        doubtful = await room.executor.ask(command)
        trusted = await room.executor.ask(
            room.ask_for("run_command", 2, attempts=1, organization=IDEMPOTENT, argv=["true"])
        )
        recorded = await intents(room)
    assert result_of(written).ok
    assert doubtful.result is None
    assert result_of(trusted).ok
    assert [(one.call.tool, one.attempt, one.recovery) for one in recorded] == [
        ("write_file", 2, Recovery.IDEMPOTENT),
        ("run_command", 2, Recovery.IDEMPOTENT),
    ]


async def test_a_recovered_call_ends_what_its_earlier_attempt_left_running(tmp_path: Path) -> None:
    """The executor dies while a command runs; its next incarnation does not run it twice at a time."""
    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        word, herald = token(), Herald(tmp_path)
        script = f"test -e second && exit 0; touch second; echo up > {herald.path}; sleep 300; : {word}"
        asked = room.ask_for("run_command", organization=IDEMPOTENT, argv=["sh", "-c", script])
        room.executor.tell(asked)
        await herald.word()
        room.system.kill(room.executor)
        outcome = await room.executor.ask(attrs.evolve(asked, attempts=1))
        assert result_of(outcome).ok
        assert not carrying(word)
        group.cancel_scope.cancel()


async def test_a_new_issue_has_the_same_id_in_every_attempt(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        asked = room.ask_for("create_issue", seat="builder", summary="Another thing")
        first = result_of(await room.executor.ask(asked))
        room.executor.tell(Settle(call_id=asked.call.id))
        second = result_of(await room.executor.ask(attrs.evolve(asked, attempts=1)))
        other = result_of(
            await room.executor.ask(room.ask_for("create_issue", 1, seat="builder", summary="Another thing"))
        )
    assert first.changes == second.changes
    assert first.changes[0].card_id != other.changes[0].card_id


# --- stopping ---------------------------------------------------------------------------------------


async def cut_off(room: Rooms, asked: ExecuteTool) -> None:
    """Ask for a call that will be cut off."""
    with pytest.raises(CallEnded):
        await room.executor.ask(asked)


async def test_ending_a_runs_calls_ends_their_process_trees(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        word, heralds = token(), [Herald(tmp_path) for _ in range(3)]
        asked: list[ExecuteTool] = []

        async def act(index: int) -> None:
            script = (
                f"setsid sh -c 'echo up > {heralds[index].path}; sleep 300; : {word}' & sleep 300; : {word}"
            )
            asked.append(room.ask_for("run_command", index, argv=["sh", "-c", script]))
            await cut_off(room, asked[-1])

        finished = await room.executor.ask(room.ask_for("list_directory", 7))
        async with anyio.create_task_group() as group:
            for index in range(3):
                group.start_soon(act, index)
            for herald in heralds:
                await herald.word()
            ended = await room.executor.ask(EndCalls(run_id=RUN))
            assert not carrying(word)
        codes = {one.call_id: one.result.code for one in ended}
        assert codes == {
            **{CallId(f"r1/C-1/1/{index}"): "canceled" for index in range(3)},
            finished.call_id: "",
        }
        assert {one.card_id for one in ended} == {"C-1"}
        for again in asked:  # whoever comes later may not know of an intent either: no receipt for them
            await cut_off(room, again)
        for one in ended:
            room.executor.tell(Settle(call_id=one.call_id))
        assert await room.executor.ask(EndCalls(run_id=RUN)) == ()


async def test_what_ends_within_the_grace_is_left_to(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        herald, gate = Herald(tmp_path), Herald(tmp_path)
        script = f"echo up > {herald.path}; cat {gate.path}"
        ended: list[EndedCall] = []

        async def end() -> None:
            ended.extend(await room.executor.ask(EndCalls(run_id=RUN, grace_s=30)))

        async with anyio.create_task_group() as group:
            group.start_soon(room.executor.ask, room.ask_for("run_command", argv=["sh", "-c", script]))
            await herald.word()
            group.start_soon(end)
            await room.executor.ask(room.ask_for("list_directory", 1))
            await anyio.to_thread.run_sync(gate.path.write_text, "go")
    assert [one.result.ok for one in ended if one.call_id.endswith("/0")] == [True]


async def test_ending_calls_leaves_other_runs_alone(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        await room.executor.ask(room.ask_for("list_directory"))
        assert await room.executor.ask(EndCalls(run_id=type(RUN)("other"))) == ()
        assert len(await room.executor.ask(EndCalls(run_id=RUN))) == 1


# --- faults of others -------------------------------------------------------------------------------


class NoArguments(Arguments):
    """Nothing."""


async def explode(args: NoArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    raise ZeroDivisionError("boom")


async def calm(args: NoArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    return done(seat=context.given.seat)


BROKEN = make_toolbox(
    declare(
        effect,
        NoArguments,
        name=name,
        description="",
        permissions=(Permission.READ_CARDS,),
        recovery=Recovery.IDEMPOTENT,
    )
    for name, effect in (("explode", explode), ("calm", calm))
)


async def test_a_tool_that_raises_fails_its_own_call_only(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=BROKEN) as room:
        with pytest.raises(Crashed) as caught:
            await room.executor.ask(room.ask_for("explode", offered=BROKEN))
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        outcome = await room.executor.ask(room.ask_for("calm", 1, offered=BROKEN))
        assert json.loads(result_of(outcome).output) == {"seat": "builder"}
        assert [one.call.tool for one in await intents(room)] == ["explode", "calm"]


class RaisingGate:
    """A third party's gate with a fault."""

    def judge(self, given: GateInput) -> GateDecision:
        raise LookupError(given.call.tool)


async def test_a_gate_that_raises_lets_nothing_through(tmp_path: Path) -> None:
    def nodes(_: Organization) -> Nodes:
        return attrs.evolve(NODES, tool_gate=RaisingGate())

    async with rooms(tmp_path, nodes=nodes) as room:
        asked = room.ask_for("write_file", path="x", content="")
        with pytest.raises(Crashed):
            await room.executor.ask(attrs.evolve(asked, noted=NOTED))
        events: tuple[Event, ...] = await room.events()
    assert events == NOTED, "what the asker has to record is recorded, and no intent"
    assert not (tmp_path / "work").exists()


async def test_more_calls_than_allowed_are_refused_before_they_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_executor, "LIVE_MAX", 1)
    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        herald = Herald(tmp_path)
        script = f"echo up > {herald.path}; sleep 300"
        group.start_soon(cut_off, room, room.ask_for("run_command", argv=["sh", "-c", script]))
        await herald.word()
        with pytest.raises(ExecutorBusy):
            await room.executor.ask(room.ask_for("list_directory", 1))
        assert len(await intents(room)) == 1
        await room.executor.ask(EndCalls(run_id=RUN))
        assert result_of(await room.executor.ask(room.ask_for("list_directory", 1))).ok


async def test_the_oldest_outcomes_are_forgotten_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_executor, "UNSETTLED_MAX", 2)
    async with rooms(tmp_path) as room:
        for index in range(3):
            await room.executor.ask(room.ask_for("list_directory", index))
        ended = await room.executor.ask(EndCalls(run_id=RUN))
    assert [one.call_id for one in ended] == ["r1/C-1/1/1", "r1/C-1/1/2"]


async def test_fifty_calls_at_a_time(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        async with anyio.create_task_group() as group:
            for index in range(50):
                asked = room.ask_for("write_file", index, path=f"d/{index}.txt", content=str(index))
                group.start_soon(room.executor.ask, asked)
        assert len(await intents(room)) == 50
        listed = result_of(await room.executor.ask(room.ask_for("list_directory", 50, path="d")))
    assert len(json.loads(listed.output)["items"]) == 50
    assert set(TOOLBOX) >= {"write_file", "list_directory"}
