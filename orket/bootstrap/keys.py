"""The keys of a data directory: opening where they are kept, and making one."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from orket.domain.errors import SettingsError
from orket.domain.keys import ApiKey, Keys, Scope, check_name, digest_of, token_of
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.keys import FileKeys
from orket.settings import Settings

KEYS_MAX = 1000


def open_keys(settings: Settings) -> Keys:
    """Open the keys of a data directory; there need not be any."""
    return FileKeys(settings.keys_path)


def make_key(
    keys: Keys, name: str, scopes: tuple[Scope, ...], *, days: float | None = None
) -> tuple[ApiKey, str]:
    """Make a key and keep its digest. Blocks.

    Args:
        keys: Where it is kept.
        name: What people call it.
        scopes: What it allows.
        days: How long it is good for; None: until it is revoked.

    Returns:
        The key, and the token to send, which is known nowhere else and cannot be had again.

    Raises:
        SettingsError: The name or the days are not usable, or there are too many keys.
        StoreError: It cannot be written.
    """
    if len(keys.all()) >= KEYS_MAX:
        raise SettingsError(f"there are {KEYS_MAX} keys already")
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    now = SystemClock().now()
    key = ApiKey(
        id=key_id,
        name=check_name(name),
        scopes=scopes,
        created_at=now,
        digest=digest_of(secret),
        expires_at=None if days is None else _expiry(now, days),
    )
    keys.add(key)
    return key, token_of(key_id, secret)


def _expiry(now: datetime, days: float) -> datetime:
    if not 0 < days <= 36_500:
        raise SettingsError(f"{days:g} days: a key is good for more than 0 and at most 36500 days")
    return now + timedelta(days=days)
