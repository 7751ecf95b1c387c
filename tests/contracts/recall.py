"""The conformance suite of recalling: every adapter finds and ranks what the domain says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orket.domain.errors import StoreError
from orket.domain.identifiers import MEMORY, CardId
from orket.domain.memory import Memory, query_words, ranked, words
from orket.domain.memory_events import MemoryAdded, MemoryForgotten
from orket.domain.ports import Ledger
from tests.contracts.ledger import START, A, B, Opening, SteppingClock
from tests.contracts.strategies import TEXT, accepted, comment, remembered

VOCABULARY = st.sampled_from(
    [
        "cents",
        "Cents",
        "float",
        "naïve",
        "naive",
        "STRASSE",
        "straße",
        "a_b",
        "名前",
        "the",
        "x1",
        "OR",
        "NEAR",
    ]
)
TEXTS = st.lists(st.lists(VOCABULARY, max_size=5).map(" ".join), max_size=8)
# What means something to SQLite, or might.
HOSTILE = (
    '"',
    '" OR 1=1 --',
    "cents OR float",
    "NEAR(cents float)",
    "cents*",
    "words:cents",
    "^cents",
    "cents'; DROP TABLE memories; --",
    "(((",
    "-cents",
    "\x00cents",
    "{words} : cents",
    "cents AND",
    "+",
)


def all_of(texts: Sequence[str], *, first: int = 2) -> list[Memory]:
    """What a ledger must hold of these texts, recorded one after the other."""
    return [
        Memory(seq=first + n, at=START, run_id=A, card_id=CardId("A"), by="tester", text=text)
        for n, text in enumerate(texts)
    ]


async def filled(ledger: Ledger, texts: Sequence[str]) -> None:
    """Record a run that remembers them."""
    await ledger.append(A, [accepted(), *map(remembered, texts)])


@pytest.mark.anyio
class RecallContract:
    """Derive from this, give the fixture ``opening``: a new, empty ledger at each call."""

    @pytest.fixture
    def opening(self) -> Opening:
        raise NotImplementedError

    async def test_the_newest_come_first_without_a_word_and_all_runs_count(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            assert await ledger.recall("") == ()
            await ledger.append(A, [accepted(), remembered("one"), comment()])
            await ledger.append(B, [accepted(), remembered("two"), remembered("one")])
            found = await ledger.recall("")
            assert [(one.run_id, one.text, one.seq) for one in found] == [(B, "one", 6), (B, "two", 5)]
            assert found[0].at == START.replace(second=7)
            assert [one.text for one in await ledger.recall("", limit=1)] == ["one"]
            assert await ledger.recall("", limit=0) == ()

    async def test_rare_words_count_more_and_case_and_accents_do_not(self, opening: Opening) -> None:
        texts = ["amounts are cents", "amounts are shown with two digits", "amounts of NAÏVE users", "other"]
        async with opening(SteppingClock()) as ledger:
            await filled(ledger, texts)
            found = [one.text for one in await ledger.recall("the naive amounts")]
            assert found == [texts[2], texts[1], texts[0]]
            assert (await ledger.recall("cents-amounts"))[0].text == texts[0]
            assert await ledger.recall("amount") == ()

    async def test_what_was_taken_out_is_recalled_no_more(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            await filled(ledger, ["in cents", "in dollars"])
            await ledger.append(MEMORY, [MemoryAdded(by="ada", text="in whole cents")])
            assert [one.text for one in await ledger.recall("cents")] == ["in whole cents", "in cents"]
            (newest,) = await ledger.recall("", limit=1)
            assert (newest.seq, newest.run_id, newest.card_id, newest.by) == (4, MEMORY, CardId(""), "ada")
            gone = [MemoryForgotten(number=2, by="ada"), MemoryForgotten(number=9, by="ada")]
            await ledger.append(MEMORY, gone)
            assert [one.text for one in await ledger.recall("cents")] == ["in whole cents"]
            assert [one.text for one in await ledger.recall("")] == ["in whole cents", "in dollars"]
            with pytest.raises(StoreError, match="no event of the memory"):
                await ledger.append(MEMORY, [remembered("for a run")])

    @pytest.mark.parametrize("query", HOSTILE)
    async def test_a_query_is_words_and_nothing_else(self, opening: Opening, query: str) -> None:
        async with opening(SteppingClock()) as ledger:
            await filled(ledger, ["cents", "float", "near"])
            found = await ledger.recall(query)
            wanted = set(query_words(query))
            assert all(set(words(one.text)) & wanted for one in found) or not wanted
            assert [one.text for one in await ledger.recall("cents")] == ["cents"]

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(texts=TEXTS, query=st.lists(VOCABULARY, max_size=4).map(" ".join) | TEXT, limit=st.integers(0, 9))
    async def test_it_ranks_as_the_domain_says(
        self, opening: Opening, texts: list[str], query: str, limit: int
    ) -> None:
        known = all_of(texts)
        wanted = query_words(query)
        holding = {word: sum(word in words(one.text) for one in known) for word in wanted}
        expected = ranked(wanted, known, texts=len(known), holding=holding, limit=limit)
        async with opening(SteppingClock()) as ledger:
            await filled(ledger, texts)
            assert await ledger.recall(query, limit=limit) == expected
