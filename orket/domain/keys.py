"""Keys of the bridge: who may do what. A key is kept as a digest; what it says is known to its holder only.

The secret has 256 random bits, so a plain digest keeps it as safe as a slow one would.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs

from orket.domain.errors import SettingsError

_TOKEN = re.compile(r"orket_(?P<id>[0-9a-f]{8})_(?P<secret>[A-Za-z0-9_-]{43})")
_NAME_CHARS_MAX = 100
_NOBODY = hashlib.sha256(b"no key has this digest").hexdigest()


class Scope(StrEnum):
    """What a key allows; ``admin`` allows everything, and each of the others allows reading."""

    READ = "read"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMIN = "admin"


EVERYTHING = frozenset(Scope)


@attrs.frozen(kw_only=True)
class ApiKey:
    """One key as it is kept; ``digest`` is the SHA-256 of its secret, in hexadecimal."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    digest: str = attrs.field(repr=False)
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def usable(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keys(Protocol):
    """Where keys are kept. A change counts from the next request on, whichever process made it."""

    def all(self) -> tuple[ApiKey, ...]:
        """List them in the order they were made, revoked ones included.

        Raises:
            StoreError: They cannot be read.
        """
        ...

    def add(self, key: ApiKey) -> None:
        """Keep one more; durable when it returns. Blocks.

        Raises:
            StoreError: It cannot be written.
        """
        ...

    def revoke(self, key_id: str, at: datetime) -> ApiKey | None:
        """Have a key open nothing any more; None when there is no such key. Blocks.

        Raises:
            StoreError: It cannot be written.
        """
        ...


def granted(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Spell out what scopes allow."""
    given = frozenset(scopes)
    return EVERYTHING if Scope.ADMIN in given else given | {Scope.READ} if given else given


def read_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """Read scopes by name, each once.

    Raises:
        SettingsError: There is no such scope, or none was named.
    """
    known = [one.value for one in Scope]
    found = []
    for name in names:
        if name not in known:
            raise SettingsError(f"no scope is called {name!r}; there are {', '.join(known)}")
        found.append(Scope(name))
    if not found:
        raise SettingsError(f"a key needs a scope: {', '.join(known)}")
    return tuple(dict.fromkeys(found))


def check_name(name: str) -> str:
    """Accept what a key is called.

    Raises:
        SettingsError: It is empty, too long or not printable.
    """
    if not 0 < len(name) <= _NAME_CHARS_MAX or not name.isprintable():
        raise SettingsError(f"a key's name has 1 to {_NAME_CHARS_MAX} printable characters")
    return name


def token_of(key_id: str, secret: str) -> str:
    """Write what the holder of a key sends."""
    return f"orket_{key_id}_{secret}"


def digest_of(secret: str) -> str:
    """Write what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matching(keys: Iterable[ApiKey], token: str, now: datetime) -> ApiKey | None:
    """Find the usable key that a token belongs to; how long that takes says nothing about any secret."""
    parsed = _TOKEN.fullmatch(token)
    if parsed is None:
        return None
    found = next((one for one in keys if one.id == parsed["id"]), None)
    right = hmac.compare_digest(digest_of(parsed["secret"]), _NOBODY if found is None else found.digest)
    return found if found is not None and right and found.usable(now) else None
