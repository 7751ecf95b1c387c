"""What an engine finds on the ledger of one that was killed: sandboxes nobody closed."""

from pathlib import Path

import pytest

from orket.domain.events import SandboxChanged
from orket.domain.sandboxes import SandboxStatus
from orket.services.reconciliation import REASON, reconcile, standing
from tests.orket.services.rooms import RUN, rooms

pytestmark = pytest.mark.anyio


def changed(name: str, status: SandboxStatus) -> SandboxChanged:
    return SandboxChanged(sandbox_id=name, driver="bubblewrap", level=2, status=status)


def test_what_stands_is_what_was_not_deleted_last() -> None:
    again = [
        changed("a", one) for one in (SandboxStatus.RUNNING, SandboxStatus.DELETED, SandboxStatus.CREATING)
    ]
    over = [changed("b", one) for one in (SandboxStatus.RUNNING, SandboxStatus.DELETED)]
    assert list(standing([*again, *over])) == ["a"]


async def test_what_was_left_standing_is_recorded_as_deleted_once(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        left = [changed("a", SandboxStatus.RUNNING), changed("b", SandboxStatus.DELETED)]
        await room.ledger.append(RUN, left)
        assert await reconcile(room.ledger) == 1
        assert await reconcile(room.ledger) == 0
        last = (await room.events())[-1]
    assert isinstance(last, SandboxChanged)
    assert (last.sandbox_id, last.status, last.reason) == ("a", SandboxStatus.DELETED, REASON)
    assert (last.driver, last.level) == ("bubblewrap", 2)
