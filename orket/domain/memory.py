"""The project's memory: what was remembered over all runs, and which of it fits some words. Pure (2.10).

A text is looked at as its words: lower case, accents dropped, split at everything that is no letter or digit
(Chinese, Japanese and Korean sign by sign). How much a word counts follows from how rare it is, so every
store that knows how many texts hold each word ranks alike.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs

from orket.domain.identifiers import CardId, RunId

TEXT_CHARS_MAX = 2_000
QUERY_WORDS_MAX = 32
WORD_CHARS_MAX = 48
CANDIDATES_MAX = 500

_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_SIGNS}]|[^\W_{_SIGNS}]+")
# Words that are in every text tell nothing about it.
_COMMON = frozenset(
    {"a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "if", "in", "into", "is"}
    | {"it", "its", "no", "not", "of", "on", "or", "that", "the", "then", "there", "this", "to", "use", "was"}
    | {"we", "when", "which", "will", "with"}
)


@attrs.frozen(kw_only=True)
class Memory:
    """Something remembered: its event's sequence number and time, the run, card and seat it is from."""

    seq: int
    at: datetime
    run_id: RunId
    card_id: CardId
    by: str
    text: str


def words(text: str) -> tuple[str, ...]:
    """Split a text into its words, in order, in the one spelling under which they are found."""
    bare = "".join(
        one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one)
    )
    found = _WORD.findall(unicodedata.normalize("NFKC", bare).casefold())
    return tuple(one[:WORD_CHARS_MAX] for one in found)


def query_words(query: str) -> tuple[str, ...]:
    """Pick the words of a query: each once, common ones only when there are no others, a bounded number."""
    found = tuple(dict.fromkeys(words(query)))
    telling = tuple(one for one in found if one not in _COMMON)
    return (telling or found)[:QUERY_WORDS_MAX]


def rarity(texts: int, holding: int) -> float:
    """How much a word counts that ``holding`` of ``texts`` texts hold; always above 0."""
    return math.log(1 + (texts - holding + 0.5) / (holding + 0.5))


def ranked(
    wanted: tuple[str, ...],
    memories: Iterable[Memory],
    *,
    texts: int,
    holding: Mapping[str, int],
    limit: int,
) -> tuple[Memory, ...]:
    """Order memories by the summed rarity of the wanted words they hold, then the newest first.

    Args:
        wanted: The words of the query; without any, the newest come first.
        memories: At least all that hold one of the words (the newest, without words).
        texts: How many there are in all.
        holding: How many hold each wanted word.
        limit: How many at most.

    Returns:
        Those that hold a wanted word, equal texts once.
    """
    weights = {one: rarity(texts, holding.get(one, 0)) for one in sorted(wanted)}
    scored = [(_score(one, weights), one) for one in memories]
    found = [(score, one) for score, one in scored if score > 0 or not wanted]
    found.sort(key=lambda pair: (-pair[0], -pair[1].seq))
    once: dict[str, Memory] = {}
    for _, one in found:
        once.setdefault(one.text, one)
    return tuple(once.values())[: max(limit, 0)]


def _score(memory: Memory, weights: Mapping[str, float]) -> float:
    held = set(words(memory.text)) if weights else set()
    return sum(weight for word, weight in weights.items() if word in held)
