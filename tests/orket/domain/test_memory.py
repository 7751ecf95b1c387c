"""What a text is looked at as, and how memories are ordered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.identifiers import CardId, RunId
from orket.domain.memory import (
    QUERY_WORDS_MAX,
    WORD_CHARS_MAX,
    Memory,
    query_words,
    ranked,
    rarity,
    words,
)
from orket.testing.clock import START

TEXTS = st.lists(st.sampled_from(["a b", "b c", "c", "d", "a b c d", ""]), max_size=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amounts are whole cents!", ("amounts", "are", "whole", "cents")),
        ("parse_journal(line)", ("parse", "journal", "line")),
        ("Naïve Straße ÉTÉ", ("naive", "strasse", "ete")),
        ("名前を", ("名", "前", "を")),
        ("x1-2.5", ("x1", "2", "5")),
        ("한글", ("한", "글")),
        ("\ud800 … ***", ()),
    ],
)
def test_a_text_is_its_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_common_words_count_only_when_there_are_no_others() -> None:
    assert query_words("the cents of the house") == ("cents", "house")
    assert query_words("to be or not") == ("to", "be", "or", "not")


@given(st.text(max_size=400))
def test_words_are_found_under_their_own_spelling_and_bounded(text: str) -> None:
    found = words(text)
    assert all(one and len(one) <= WORD_CHARS_MAX for one in found)
    assert words(" ".join(found)) == found
    assert len(query_words(text)) <= QUERY_WORDS_MAX


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_a_word_counts_and_counts_more_the_rarer_it_is(texts: int, holding: int) -> None:
    holding = min(holding, texts)
    assert rarity(texts, holding) > 0
    assert holding == texts or rarity(texts, holding) > rarity(texts, holding + 1)


@given(TEXTS, st.sampled_from(["", "a", "b d", "z"]), st.integers(0, 5))
def test_ranking_is_bounded_tells_each_text_once_and_nothing_that_does_not_fit(
    texts: list[str], query: str, limit: int
) -> None:
    known = [
        Memory(seq=n, at=START, run_id=RunId("r"), card_id=CardId("A"), by="x", text=text)
        for n, text in enumerate(texts)
    ]
    wanted = query_words(query)
    holding = {word: sum(word in words(text) for text in texts) for word in wanted}
    found = ranked(wanted, known, texts=len(texts), holding=holding, limit=limit)
    everything = ranked(wanted, reversed(known), texts=len(texts), holding=holding, limit=100)
    assert found == everything[:limit]
    assert len({one.text for one in everything}) == len(everything)
    fitting = {text for text in texts if not wanted or set(words(text)) & set(wanted)}
    assert {one.text for one in everything} == fitting
    # Of equal texts the newest is told.
    assert all(one.seq == max(n for n, text in enumerate(texts) if text == one.text) for one in everything)
