"""Endless repetition: what a model falls into when it has lost its thread, and would go on with for ever."""

from __future__ import annotations

TAIL_CHARS = 2_400
PERIOD_CHARS_MAX = 200


def loops(tail: str) -> bool:
    """Whether the last ``TAIL_CHARS`` characters are one short text over and over, twelve times at least.

    Tables and drawings repeat themselves too, but not for so long without a single difference.
    """
    if len(tail) < TAIL_CHARS:
        return False
    period = _period(tail[-TAIL_CHARS:])
    return period <= PERIOD_CHARS_MAX


def _period(text: str) -> int:
    """Find the shortest length after which a text repeats itself, by its table of borders."""
    borders = [0] * len(text)
    for at in range(1, len(text)):
        length = borders[at - 1]
        while length and text[at] != text[length]:
            length = borders[length - 1]
        borders[at] = length + (text[at] == text[length])
    return len(text) - borders[-1]
