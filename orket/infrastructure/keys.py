"""Keys in a file that only its owner may read, written whole, read again when another process changed it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import attrs
import msgspec

from orket.domain.errors import StoreError
from orket.domain.keys import ApiKey, Scope

_Mark = tuple[int, int, int]


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    digest: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class FileKeys:
    """The keys of one data directory; see ``orket.domain.keys.Keys``.

    Args:
        path: The file; it and its folder need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark: _Mark | None = None
        self._keys: tuple[ApiKey, ...] = ()

    def all(self) -> tuple[ApiKey, ...]:
        """List them; the file is read again when it is another one than last time."""
        mark = self._look()
        if mark != self._mark:
            self._keys, self._mark = () if mark is None else self._read(), mark
        return self._keys

    def add(self, key: ApiKey) -> None:
        """Keep one more."""
        self._change(lambda keys: (*keys, key))

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """Have a key open nothing any more; one that was revoked keeps its first date."""

        def revoked(key: ApiKey) -> ApiKey:
            ends = key.id == key_id and key.revoked_at is None
            return attrs.evolve(key, revoked_at=at) if ends else key

        self._change(lambda keys: tuple(map(revoked, keys)))
        return next((one for one in self.all() if one.id == key_id), None)

    def _look(self) -> _Mark | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror or error}") from error
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> tuple[ApiKey, ...]:
        try:
            lines = self._path.read_bytes().splitlines()
            found = [msgspec.json.decode(line, type=_Line) for line in lines]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror or error}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreError(f"{self._path} holds no keys of this version: {error}") from error
        return tuple(ApiKey(**msgspec.structs.asdict(one)) for one in found)

    def _change(self, change: Callable[[tuple[ApiKey, ...]], tuple[ApiKey, ...]]) -> None:
        try:
            with self._locked():
                self._write(change(self._read()))
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror or error}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, keys: tuple[ApiKey, ...]) -> None:
        made = self._path.with_suffix(".new")
        made.unlink(missing_ok=True)
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            for one in keys:
                line = _Line(**{name: getattr(one, name) for name in _Line.__struct_fields__})
                file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        made.rename(self._path)


class MemoryKeys:
    """Keys that last as long as the process; see ``orket.domain.keys.Keys``."""

    def __init__(self) -> None:
        self._keys: tuple[ApiKey, ...] = ()

    def all(self) -> tuple[ApiKey, ...]:
        """List them."""
        return self._keys

    def add(self, key: ApiKey) -> None:
        """Keep one more."""
        self._keys = (*self._keys, key)

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """Have a key open nothing any more."""
        self._keys = tuple(
            attrs.evolve(one, revoked_at=one.revoked_at or at) if one.id == key_id else one
            for one in self._keys
        )
        return next((one for one in self._keys if one.id == key_id), None)
