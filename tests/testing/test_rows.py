"""The semantics table, supervision and states hold under every schedule that is tried."""

import pytest

from actors.testing import World
from actors.testing._schedule import Backend
from actors.testing._simulate import Exploration
from tests.testing.rows import LEFT_OUT, MODULES, Row, rows, settle

#: Per row and event loop here; many more in the long suites.
SCHEDULES = 8


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_row_holds_under_simulation(row: Row, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(row.module, "settle"):
        monkeypatch.setattr(row.module, "settle", settle)
    exploration = Exploration(World(overtake=False), SCHEDULES, (backend,))
    finding = exploration.explore(lambda _: row.test(), own_system=False)
    assert finding is None, finding.report()


def test_what_is_left_out_exists() -> None:
    assert all(any(hasattr(module, name) for module in MODULES) for name in LEFT_OUT)
    assert len(rows()) > 50
