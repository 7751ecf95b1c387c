"""Every place that keeps keys keeps them alike."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from orket.domain.errors import StoreError
from orket.domain.keys import ApiKey, Keys, Scope, digest_of
from orket.infrastructure.keys import FileKeys, MemoryKeys

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = ApiKey(id="0000000a", name="ci", scopes=(Scope.READ,), created_at=NOW, digest=digest_of("s" * 43))


@pytest.fixture(params=["memory", "file"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Keys:
    return MemoryKeys() if request.param == "memory" else FileKeys(tmp_path / "keys" / "keys.jsonl")


def test_what_was_added_is_there(keys: Keys) -> None:
    assert keys.all() == ()
    other = attrs.evolve(KEY, id="0000000b", scopes=tuple(Scope), expires_at=NOW + timedelta(days=1))
    keys.add(KEY)
    keys.add(other)
    assert keys.all() == (KEY, other)


def test_a_revoked_key_keeps_its_first_date(keys: Keys) -> None:
    keys.add(KEY)
    assert keys.revoke("ffffffff", NOW) is None
    assert keys.revoke(KEY.id, NOW) == attrs.evolve(KEY, revoked_at=NOW)
    keys.revoke(KEY.id, NOW + timedelta(days=1))
    assert keys.all() == (attrs.evolve(KEY, revoked_at=NOW),)


def test_another_process_is_noticed(tmp_path: Path) -> None:
    here, there = FileKeys(tmp_path / "keys.jsonl"), FileKeys(tmp_path / "keys.jsonl")
    there.add(KEY)
    assert here.all() == (KEY,)
    there.revoke(KEY.id, NOW)
    assert here.all()[0].revoked_at == NOW
    (tmp_path / "keys.jsonl").unlink()
    assert here.all() == ()


def test_the_file_is_its_owner_s_and_has_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "keys.jsonl"
    FileKeys(path).add(KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "s" * 43 not in path.read_text()


@pytest.mark.parametrize("text", ["{", '{"id": 1}', "\xff"])
def test_a_file_of_something_else_is_an_error_with_its_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.jsonl"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match=r"keys\.jsonl"):
        FileKeys(path).all()
    with pytest.raises(StoreError, match=r"keys\.jsonl"):
        FileKeys(path).add(KEY)
    assert path.read_text(encoding="latin-1") == text


def test_a_folder_in_its_place_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "keys.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"keys\.jsonl"):
        FileKeys(tmp_path / "keys.jsonl").all()
