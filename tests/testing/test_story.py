"""The story of a run as text and as SVG, and the token of a schedule."""

from xml.etree import ElementTree

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.testing import Schedule, explore
from tests.testing.bugs.lost_in_restart import BUG as LOST_IN_RESTART
from tests.testing.bugs.lost_update import BUG as LOST_UPDATE


def test_the_text_shows_who_overlapped_whom() -> None:
    finding = explore(LOST_UPDATE.buggy)
    assert finding is not None
    text = finding.report()
    begins = [line for line in text.splitlines() if "begins Increase()" in line]
    assert len(begins) == 2
    first_end = text.index("ends Increase(): handled")
    assert text.index(begins[1]) < first_end
    assert "waits at lost_update.py" in text
    assert text.rstrip().splitlines()[-1].lstrip().startswith(tuple("0123456789"))
    assert "✗ AssertionError" in text


def test_the_text_shows_the_fault() -> None:
    finding = explore(LOST_IN_RESTART.buggy, faults=LOST_IN_RESTART.faults)
    assert finding is not None
    text = finding.report()
    assert "inject crash into system/keeper#0" in text
    assert "⚡ crash injected into system/keeper#0" in text
    assert "↻ system/keeper#1 starts in its place" in text


def test_the_svg_is_well_formed() -> None:
    from actors.testing._story import tell

    finding = explore(LOST_UPDATE.buggy)
    assert finding is not None
    root = ElementTree.fromstring(tell(finding.shortest.moments, "broken <here>").svg())
    assert root.tag.endswith("svg")
    assert sum(child.tag.endswith("text") for child in root) > 10


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(
        st.builds(Schedule, st.integers(0, 2**64), strategy=st.sampled_from(["portfolio", "pct", "random"])),
        st.builds(Schedule, deviations=st.lists(st.tuples(names, names), max_size=5).map(tuple)),
    )
)
def test_a_token_is_the_schedule(schedule: Schedule) -> None:
    assert Schedule.parse(schedule.token) == schedule


@pytest.mark.parametrize("token", ["", "s1-", "s1-wild-3", "d1-!!", "d2-x", "d1-eNqLjgU"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="not a schedule"):
        Schedule.parse(token)


def test_trio_still_has_the_queue_that_is_replaced() -> None:
    """A canary: the one private name the simulator needs of trio."""
    seen: list[bool] = []

    async def main() -> None:
        runner = trio._core._run.GLOBAL_RUN_CONTEXT.runner
        seen.append(hasattr(runner, "runq") and hasattr(runner, "deadlines") and hasattr(runner, "clock"))

    trio.run(main)
    assert seen == [True]
