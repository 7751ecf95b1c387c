"""A run that needs the services of a project sandbox: refused where they cannot be reached, else told so."""

from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from orket.bootstrap import Orket
from orket.domain.errors import RunDenied, SandboxUnavailable
from orket.domain.events import RunAccepted
from orket.domain.identifiers import PROJECTS, RunId
from orket.domain.projects import ProjectSandboxChanged
from orket.domain.sandboxes import SandboxSpec, SandboxStatus
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.orchestration.admission import sandbox_spec
from orket.orchestration.messages import Refused, StartRun
from tests.orket.kit import Bench, issue, plain, settled

pytestmark = pytest.mark.anyio
NAME = "sandbox-shop"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def refusal(bench: Bench, orket: Orket) -> str:
    target = bench.epic([issue("A")], plain("A"))
    with pytest.raises(Refused) as caught:
        await orket.engine.ask(StartRun(target=str(target), services=NAME), timeout=20)
    assert isinstance(caught.value.error, RunDenied)
    return caught.value.error.detail


async def test_services_that_are_not_up_or_not_to_be_reached_are_refused(bench: Bench) -> None:
    async with bench.engine() as orket:
        assert "there is none" in await refusal(bench, orket)
        for status, told in (
            (SandboxStatus.STOPPED, "it is stopped"),
            (SandboxStatus.RUNNING, "sandbox level compose only"),
        ):
            changed = ProjectSandboxChanged(
                sandbox_id=NAME,
                name="shop",
                project=f"orket-{NAME}",
                stack="tiny",
                workspace="/w",
                status=status,
                lease_until=datetime(2099, 1, 1, tzinfo=UTC),
            )
            await orket.ledger.append(PROJECTS, [changed])
            assert told in await refusal(bench, orket)


async def test_only_levels_that_reach_services_are_used_for_them(bench: Bench) -> None:
    target = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        run_id = (await orket.engine.ask(StartRun(target=str(target)), timeout=20)).run_id
        await settled(orket, run_id)
        (first,) = await orket.ledger.read(run_id, limit=1)
        assert isinstance(first.event, RunAccepted)
        house = attrs.evolve(first.event.workload.organization, sandbox_levels=("bubblewrap", "compose"))
        accepted = attrs.evolve(
            first.event, workload=attrs.evolve(first.event.workload, organization=house), services=NAME
        )
        spec = sandbox_spec(orket.nodes, run_id, accepted)
        assert (spec.levels, spec.services) == (("compose",), NAME)
        without = sandbox_spec(orket.nodes, run_id, attrs.evolve(accepted, services=""))
        assert (without.levels, without.services) == (("bubblewrap", "compose"), "")


async def test_other_levels_do_not_pretend(tmp_path: Path) -> None:
    spec = SandboxSpec(run_id=RunId("r"), workspace=str(tmp_path), levels=(), services=NAME)
    with pytest.raises(SandboxUnavailable, match="not connected with services"):
        await ProcessDriver().open(spec)
