"""How large a text is for a model, without asking one: an estimate on the high side, and cutting to fit."""

from __future__ import annotations

BYTES_PER_TOKEN = 3
MESSAGE_TOKENS = 4


def tokens(text: str) -> int:
    """Estimate the tokens of a text: one for every three bytes of UTF-8, and one.

    Tokenizers of today make about one token of four bytes of English or code, and of two to three bytes of
    most other languages.
    """
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return size // BYTES_PER_TOKEN + 1


def clip(text: str, chars_max: int) -> str:
    """Cut a text in its middle, saying how much is missing; the ends tell most."""
    if len(text) <= chars_max:
        return text
    head = chars_max * 2 // 3
    tail = chars_max - head
    return f"{text[:head]}\n[{len(text) - chars_max} characters left out]\n{text[-tail:]}"
