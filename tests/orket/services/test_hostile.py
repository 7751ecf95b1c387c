"""A corpus of hostile calls against the real executor and sandbox: each is stopped by what must stop it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orket.decision_nodes.workspace_paths import path_problem
from orket.domain.assets import Organization, PolicyRule
from orket.domain.events import ToolCallIntended
from orket.domain.tools import Verdict
from orket.services.tool_messages import CallOutcome
from orket.services.tools.toolbox import TOOLBOX
from tests.orket.services.hostile import CORPUS, HARMLESS, PATHS, Hostile, plant
from tests.orket.services.rooms import Rooms, rooms

HOUSE = Organization(
    process_rules=(("forbidden_file_types", "exe, *.SO .dll"),),
    policy=(
        PolicyRule(effect="deny", tool="run_command"),
        PolicyRule(effect="deny", path="frozen/*"),
    ),
)
COMMANDS_ALLOWED = attrs.evolve(HOUSE, policy=HOUSE.policy[1:])
TRIES = 100


def snapshot(top: Path) -> dict[str, str]:
    """Everything below a folder, links not followed."""
    found = {}
    for folder, names, files in os.walk(top):
        for name in [*names, *files]:
            path = Path(folder, name)
            found[str(path)] = path.read_text() if path.is_file() and not path.is_symlink() else "other"
    return found


async def put(room: Rooms, case: Hostile, index: int) -> CallOutcome:
    given_raw = case.arguments if isinstance(case.arguments, str) else None
    arguments = {} if isinstance(case.arguments, str) else case.arguments
    own = case.rule.startswith("code:") or case.rule in ("arguments", "secret")
    asked = room.ask_for(
        case.tool,
        index,
        raw=given_raw,
        organization=COMMANDS_ALLOWED if own and case.tool == "run_command" else HOUSE,
        offered=tuple(TOOLBOX) if case.offered is None else case.offered,
        **({} if "tool" in arguments else arguments),
    )
    return await room.executor.ask(asked)


def complaint(case: Hostile, outcome: CallOutcome, recorded: ToolCallIntended | None) -> str:
    """Say what is wrong with the answer to a hostile call, or return an empty text."""
    decision, result = outcome.decision, outcome.result
    if recorded is None or recorded.decision != decision:
        return "the decision is not on the ledger"
    if result is None:
        return "no result"
    if case.rule == HARMLESS:
        return "" if result.ok else f"should act inside: {result.output}"
    if result.ok:
        return "it acted"
    if case.rule.startswith("code:"):
        wanted = case.rule.removeprefix("code:")
        good = decision.verdict is Verdict.ALLOW and result.code.startswith(wanted)
        return "" if good else f"{decision.rule} ({decision.verdict}), code {result.code}: {result.output}"
    explained = (decision.reason and decision.policy_version) or decision.rule == "arguments"
    if (decision.verdict, decision.rule) != (Verdict.DENY, case.rule) or not explained:
        return f"stopped by {decision.rule}: {decision.reason}"
    return ""


@pytest.mark.anyio
async def test_the_corpus(tmp_path: Path) -> None:
    outside, work = tmp_path / "outside", tmp_path / "work"
    outside.mkdir()
    work.mkdir()
    plant(work, outside)
    before, fixture = snapshot(outside), snapshot(work / "verification")
    wrong, said = [], []
    async with rooms(tmp_path) as room:
        for index, case in enumerate(CORPUS):
            outcome = await put(room, case, index)
            said.append(outcome.result.output if outcome.result else "")
            intents = [one for one in await room.events() if isinstance(one, ToolCallIntended)]
            mine = intents[-1] if intents and intents[-1].call.index == index else None
            if problem := complaint(case, outcome, mine):
                wrong.append(f"{case.label}: wanted {case.rule}; {problem}")
    assert not wrong, "\n".join(wrong)
    assert snapshot(outside) == before
    assert snapshot(work / "verification") == fixture
    assert not any("outside secret" in one or "root:x:" in one for one in said)


def test_the_corpus_is_large_and_has_no_twins() -> None:
    assert len({(one.tool, repr(one.arguments), one.offered) for one in CORPUS}) == len(CORPUS) >= 150


@pytest.mark.anyio
@pytest.mark.parametrize("tool", ["read_file", "write_file"])
async def test_a_folder_that_turns_into_a_link_meanwhile_leads_nowhere(tmp_path: Path, tool: str) -> None:
    """Between the gate's look and the act the path changes under it, again and again."""
    outside, work = tmp_path / "outside", tmp_path / "work"
    outside.mkdir()
    work.mkdir()
    (outside / "file").write_text("outside secret")
    stop = threading.Event()

    def flip() -> None:
        """Turn ``a`` from a link into a folder and back; the tool may make the folder itself meanwhile."""
        for turn in count():
            if stop.is_set():
                return
            with suppress(OSError):
                os.symlink(outside, work / "a")
            with suppress(OSError):
                os.rename(work / "a", work / f"was-{turn}")
            with suppress(OSError):
                os.mkdir(work / "a")
                (work / "a" / "file").write_text("inside")
            with suppress(OSError):
                os.rename(work / "a", work / f"was-{turn}-folder")

    flipper = threading.Thread(target=flip)
    flipper.start()
    said = []
    try:
        async with rooms(tmp_path) as room:
            for index in range(TRIES):
                more = {} if tool == "read_file" else {"content": "written"}
                outcome = await room.executor.ask(room.ask_for(tool, index, path="a/file", **more))
                said.append(outcome.result.output if outcome.result else "")
    finally:
        stop.set()
        flipper.join()
    assert (outside / "file").read_text() == "outside secret"
    assert not any("outside secret" in one for one in said)


NAME = st.text(st.sampled_from("ab./\\~:\0 \n\u202e\uff0e\uff0f\u2025\u0301\u00e9-gitenvorkt"), max_size=12)


@given(path=st.lists(NAME, min_size=1, max_size=6).map("/".join) | st.sampled_from(sorted(PATHS)))
def test_no_path_that_passes_the_gate_leads_upwards_or_hides(path: str) -> None:
    if path_problem(path):
        return
    names = [one for one in path.split("/") if one]
    assert not path.startswith(("/", "~"))
    assert ".." not in names
    assert path.isprintable()
    assert ".git" not in {one.casefold() for one in names}
    assert os.path.normpath(os.path.join("/work", path)).startswith("/work")


@pytest.mark.anyio
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.lists(NAME, min_size=1, max_size=4).map("/".join),
    tool=st.sampled_from(("write_file", "read_file")),
)
async def test_hypothesis_finds_no_way_out(
    tmp_path_factory: pytest.TempPathFactory, path: str, tool: str
) -> None:
    top = tmp_path_factory.mktemp("way-out")
    (top / "work").mkdir()
    (top / "canary").write_text("canary")
    async with rooms(top) as room:
        more = {"content": "x"} if tool == "write_file" else {}
        await room.executor.ask(room.ask_for(tool, path=path, **more))
    assert {one.name for one in top.iterdir()} == {"work", "canary"}
    assert (top / "canary").read_text() == "canary"
