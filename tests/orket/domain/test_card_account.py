"""One card's account: what the ledger says about it, and nothing of its neighbours."""

from __future__ import annotations

import pytest

from orket.domain import events as e
from orket.domain.card_account import CardAccount, CardStory
from orket.domain.cards import CardStatus
from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CardId
from tests.orket.cli.recorded import RUN, beginning, ending, recorded, waiting


def account(card: str, events: list[e.Event]) -> CardAccount:
    story = CardStory(RUN, CardId(card))
    for one in recorded(events):
        story.take(one)
    return story.account()


def test_history_comments_and_calls_are_in_the_order_of_the_ledger() -> None:
    remark = e.CardCommented(card_id=CardId("LED-2"), author="guard", text="mind the sign")
    other = e.CardCommented(card_id=CardId("LED-1"), author="guard", text="not here")
    found = account("LED-2", [*beginning(), *ending()[:-1], remark, other])
    assert found.card.status is CardStatus.DONE
    assert [one.text for one in found.comments] == ["mind the sign"]
    told = [(one.by, one.text) for one in found.history]
    assert told[0] == ("system", "joined the run")
    assert told[1] == ("system", "ready → in_progress")
    assert ("system", "retry 1: The command failed.") in told
    assert ("system", "verification: 2 of 2 passed") in told
    assert ("guard", "code_review → done") in told
    assert told[-1] == ("guard", "commented")
    assert [one.seq for one in found.history] == sorted(one.seq for one in found.history)
    calls = {one.id.partition("/")[2]: (one.seat, one.verdict, one.outcome) for one in found.calls}
    assert calls["LED-2/1/0"] == ("builder", "deny", "denied")
    assert calls["LED-2/1/1"] == ("builder", "allow", "exit_nonzero")
    assert calls["LED-2/3/0"][0] == "guard"
    assert found.turns == 3
    assert found.spent.turns == 3
    moved = next(one for one in found.history if one.text == "code_review → done")
    assert found.since == moved.at


def test_calls_that_wait_say_so() -> None:
    (asks,) = account("LED-1", waiting()).calls
    (doubt,) = account("LED-2", waiting()).calls
    assert (asks.outcome, asks.rule) == ("waits for a person", "policy: ask run_command")
    assert doubt.outcome == "in doubt"


def test_an_epic_has_children_and_an_unknown_card_is_refused_by_name() -> None:
    assert account("EPIC-LED", beginning()).children == ("LED-1", "LED-2", "LED-3", "LED-4")
    with pytest.raises(CardNotFound, match=r"no card 'LED-9'.*EPIC-LED, LED-1"):
        account("LED-9", beginning())
