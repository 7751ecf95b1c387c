"""Keys: what opens, what it opens, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.errors import SettingsError
from orket.domain.keys import (
    EVERYTHING,
    ApiKey,
    Scope,
    check_name,
    digest_of,
    granted,
    matching,
    read_scopes,
    token_of,
)
from orket.domain.redaction import Redactor

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRETS = st.text("abcXYZ019_-", min_size=43, max_size=43)


def key(secret: str, **more: object) -> ApiKey:
    made = ApiKey(id="00c0ffee", name="n", scopes=(Scope.READ,), created_at=NOW, digest=digest_of(secret))
    return attrs.evolve(made, **more)  # type: ignore[arg-type]  # the test's own fields


@given(SECRETS, SECRETS)
def test_exactly_the_right_secret_opens(right: str, other: str) -> None:
    kept = key(right)
    assert matching([kept], token_of(kept.id, right), NOW) is kept
    assert (matching([kept], token_of(kept.id, other), NOW) is kept) == (right == other)
    assert matching([kept], token_of("00000000", right), NOW) is None
    assert matching([], token_of(kept.id, right), NOW) is None
    assert right not in repr(kept)
    assert kept.digest not in repr(kept)


@given(st.text())
def test_what_is_no_token_opens_nothing(text: str) -> None:
    assert matching([key("s" * 43)], text, NOW) is None


def test_a_key_ends() -> None:
    token = token_of("00c0ffee", "s" * 43)
    assert matching([key("s" * 43, expires_at=NOW)], token, NOW) is None
    assert matching([key("s" * 43, expires_at=NOW + timedelta(seconds=1))], token, NOW) is not None
    assert matching([key("s" * 43, revoked_at=NOW)], token, NOW) is None


def test_scopes_imply_scopes() -> None:
    assert granted([Scope.ADMIN]) == EVERYTHING
    assert granted([Scope.APPROVE]) == {Scope.APPROVE, Scope.READ}
    assert granted([Scope.OPERATE]) == {Scope.OPERATE, Scope.READ}
    assert granted([]) == frozenset()


def test_scopes_are_read_by_name() -> None:
    assert read_scopes(["approve", "read", "approve"]) == (Scope.APPROVE, Scope.READ)
    for wrong in ([], ["everything"]):
        with pytest.raises(SettingsError, match="read, operate, approve, admin"):
            read_scopes(wrong)


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "\x1b[31m"])
def test_a_name_is_something_to_show(name: str) -> None:
    with pytest.raises(SettingsError):
        check_name(name)


def test_a_token_that_gets_into_a_text_is_taken_out() -> None:
    token = token_of("00c0ffee", "s" * 43)
    assert Redactor().text(f"curl -H 'Authorization: Bearer {token}'") == (
        "curl -H 'Authorization: Bearer [redacted:orket_key]'"
    )
