"""Redaction: nothing that counts as a secret is left, nothing else is touched, twice is as good as once."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from orket.domain.cards import CardStatus
from orket.domain.redaction import REDACTED, Redactor, secret_values
from orket.domain.tools import ToolResult

KNOWN = {
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----",
    "aws_key": "AKIAIOSFODNN7EXAMPLE",
    "github_token": "ghp_" + "a1" * 18,
    "gitlab_token": "glpat-" + "a1" * 10,
    "slack_token": "xoxb-1234567890-abc",
    "stripe_key": "sk_live_" + "a1" * 8,
    "api_key": "sk-proj-" + "a1" * 12,
    "google_key": "AIza" + "a" * 35,
    "web_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJSMeKKF2QT4",
    "url_password": "user:hunter2",
}
texts = st.text(max_size=60)
secrets = st.text(min_size=8, max_size=30)


@pytest.mark.parametrize("kind", KNOWN)
def test_known_shapes(kind: str) -> None:
    secret = KNOWN[kind]
    text = f"before ://{secret}@after" if kind == "url_password" else f"before {secret} after"
    clean = Redactor().text(text)
    assert secret not in clean
    assert f"{REDACTED}{kind}]" in clean
    assert clean.startswith("before ")
    assert clean.endswith("after")
    assert Redactor().suspects(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "task-12345678901234567890abc",
        "risk-assessment-of-everything-we-know",
        "sk-learn-is-a-library-of-many-words",
        "https://example.com:8080/x@y",
        "https://user@example.com",
        "asterisks_and_skulls",
        "-----BEGIN CERTIFICATE-----",
        "a" * 500,
        "key = os.environ['API_KEY']",
    ],
)
def test_what_only_looks_like_one_is_left(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_cut_off_private_key_is_taken_whole() -> None:
    assert "MIIE" not in Redactor().text("x -----BEGIN PRIVATE KEY-----\nMIIEow")


def test_values_come_from_names_that_say_so() -> None:
    environ = {"API_KEY": "12345678", "db_password": "abcdefgh", "X_TOKEN": "short", "PATH": "/usr/bin:/bin"}
    assert secret_values(environ) == ("12345678", "abcdefgh")
    assert "12345678" not in repr(Redactor(("12345678",)))


def test_a_value_is_returned_as_it_is_when_nothing_was_found() -> None:
    result = ToolResult(ok=True, output="fine")
    assert Redactor(("hunter2hunter2",)).value(result) is result


def test_values_are_found_in_whatever_holds_text() -> None:
    redactor = Redactor(("hunter2hunter2",))
    result = ToolResult(ok=True, output='{"a":"hunter2hunter2"}', hint="no")
    assert "hunter2" not in redactor.value(result).output
    assert redactor.value(({"k hunter2hunter2": ["x"]}, CardStatus.DONE)) == (
        {f"k {REDACTED}environment]": ["x"]},
        CardStatus.DONE,
    )


def our_own(secret: str) -> bool:
    """Whether one of our own marks holds it, so that it cannot be taken for a secret."""
    return any(secret in f"{REDACTED}{kind}]" for kind in ("environment", *KNOWN))


def within(value: object) -> list[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(one for part in value.values() for one in within(part))]
    return [one for part in value for one in within(part)] if isinstance(value, list) else []


@given(secret=secrets, before=texts, after=texts)
@example(secret='a"b\\c\nd"e', before="", after="")
@example(secret="AAAAAAAA", before="A", after="A")
def test_a_known_value_is_never_left(secret: str, before: str, after: str) -> None:
    assume(not our_own(secret) and "[redacted" not in secret)
    redactor = Redactor((secret,))
    clean = redactor.text(before + secret + after)
    assert secret not in clean
    assert redactor.text(clean) == clean
    assert redactor.suspects(
        json.dumps(before + secret + after, ensure_ascii=False).encode("utf-8", "replace")
    )


@given(secret=secrets, before=texts, key=texts)
def test_a_known_value_is_found_in_json_in_json(secret: str, before: str, key: str) -> None:
    assume(not any(one in secret for one in "[]{}\"',:") and "redacted" not in secret)
    assume(not our_own(secret))
    redactor = Redactor((secret,))
    inner = json.dumps({key: before + secret})
    clean = redactor.text(json.dumps({"arguments": inner, "n": [1, None, secret]}))
    outer = json.loads(clean)
    assert not any(secret in one for one in within(outer))
    assert not any(secret in one for one in within(json.loads(outer["arguments"])))
    assert outer["n"][:2] == [1, None]


@given(text=texts)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor(("hunter2hunter2",)).text(text) == text
    assert Redactor(("hunter2hunter2",)).blob(text.encode("utf-8", "replace")) == text.encode(
        "utf-8", "replace"
    )


@given(junk=st.binary(max_size=60))
def test_bytes_that_are_no_text_are_left_alone(junk: bytes) -> None:
    assume(not Redactor().suspects(junk))
    assert Redactor().blob(junk) == junk


@attrs.frozen
class Nested:
    inner: tuple[ToolResult, ...]


@given(secret=st.from_regex(r"[A-Za-z0-9+/=_-]{8,30}", fullmatch=True), output=texts)
def test_attrs_values_are_rebuilt(secret: str, output: str) -> None:
    assume(not our_own(secret))
    nested = Nested((ToolResult(ok=False, output=output + secret, code=secret),))
    assert secret not in repr(Redactor((secret,)).value(nested)).replace("ToolResult", "").replace(
        "Nested", ""
    )
