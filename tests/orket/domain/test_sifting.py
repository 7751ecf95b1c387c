"""Text in pieces: no secret is shown however it is cut, nothing else is touched or waits for long."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orket.domain.redaction import Redactor
from orket.domain.sifting import HELD_CHARS_MAX, LEFT_OUT, Sifter
from tests.orket.domain.test_redaction import KNOWN

VALUES = ("hunter2hunter2", "two words, and a comma", 'quo"ted\\and\nbroken', "pass/word+with=signs")
SECRETS = (*KNOWN.values(), *VALUES)
cuts = st.lists(st.integers(1, 40), max_size=60)
# Without what a mark, or half of a secret, may be taken for.
plain = st.text(alphabet="abc xyz,;()\n{}é中\"'", max_size=40)


def sifted(text: str, sizes: Sequence[int], values: Sequence[str] = VALUES) -> tuple[list[str], str]:
    """What was shown while the text came in pieces of these sizes, then one by one, and what came last."""
    sifter, shown, start = Sifter(Redactor(tuple(values))), [], 0
    for size in (*sizes, *[1] * len(text)):
        if start >= len(text):
            break
        shown.append(sifter.feed(text[start : start + size]))
        start += size
    return shown, sifter.rest()


@given(before=plain, secret=st.sampled_from(SECRETS), after=plain, sizes=cuts)
@example(before="", secret=KNOWN["private_key"], after="", sizes=[35, 1, 1])
@example(before="x", secret=VALUES[1], after="", sizes=[4])
def test_no_secret_is_shown_however_it_is_cut(before: str, secret: str, after: str, sizes: list[int]) -> None:
    inside = f"://{secret}@" if secret == KNOWN["url_password"] else f" {secret} "
    text = before + inside + after
    shown, rest = sifted(text, sizes)
    told = "".join((*shown, rest))
    assert secret not in told
    assert told == Redactor(VALUES).text(text)


@given(before=plain, secret=st.sampled_from(VALUES), after=plain, sizes=cuts, ascii_only=st.booleans())
def test_no_secret_is_shown_as_json_writes_it(
    before: str, secret: str, after: str, sizes: list[int], ascii_only: bool
) -> None:
    arguments = json.dumps({"content": f"{before}\n{secret}\n{after}"}, ensure_ascii=ascii_only)
    shown, rest = sifted(arguments, sizes)
    told = "".join((*shown, rest))
    assert secret not in told
    assert json.dumps(secret)[1:-1] not in told
    assert "[redacted:environment]" in told


def test_what_is_spelled_in_escapes_is_found() -> None:
    spelled = "".join(f"\\u00{ord(one):02x}" for one in VALUES[0])
    text = '{"content":"a\\n' + KNOWN["aws_key"] + "\\n" + spelled
    shown, rest = sifted(text, [5] * 100)
    told = "".join((*shown, rest))
    assert KNOWN["aws_key"] not in told
    assert told.count("[redacted:") == 2


@given(text=st.text(max_size=200), sizes=cuts)
def test_what_is_no_secret_is_shown_as_it_is(text: str, sizes: list[int]) -> None:
    shown, rest = sifted(text, sizes, values=())
    assert "".join((*shown, rest)) == text


def test_nothing_is_held_back_but_the_last_word() -> None:
    text = "A guard reads what was written, before it decides: anything (at all). 漢字漢字"
    sifter, shown = Sifter(Redactor()), ""
    for place, sign in enumerate(text, 1):
        shown += sifter.feed(sign)
        assert place - len(shown) <= len("anything")
    assert shown == text


@pytest.mark.parametrize("fill", ["a", "漢 ", "a\\n", "://a:b"])
def test_a_stretch_that_cannot_be_cut_is_left_out(fill: str) -> None:
    sifter, many = Sifter(Redactor()), fill * 50
    told = "".join(sifter.feed(many) for _ in range(HELD_CHARS_MAX // 50 * 3)) + sifter.feed(" then this ")
    assert len(sifter._held) <= HELD_CHARS_MAX
    assert told.endswith("then this ")
    assert told.startswith(fill if fill.endswith(" ") else LEFT_OUT)


def test_a_private_key_is_one_mark_however_long_it_is() -> None:
    body = "".join(f"{number:064d}\n" for number in range(500))
    text = f"key:\n-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\nafter "
    shown, rest = sifted(text, [7] * 6000)
    assert "".join((*shown, rest)) == "key:\n[redacted:private_key]\nafter "
    endless = Sifter(Redactor())
    told = endless.feed("-----BEGIN PRIVATE KEY-----\n") + endless.feed(body) + endless.rest()
    assert told == "[redacted:private_key]"
