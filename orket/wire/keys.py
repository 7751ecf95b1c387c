"""Keys on the wire: everything about them but what opens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.keys import ApiKey, Scope


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the bridge."""

    id: Annotated[str, Meta(examples=["5f1c09ab"])]
    name: Annotated[str, Meta(examples=["ci"])]
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Keys in the order they were made; ``next`` leads on, empty at the end."""

    keys: tuple[KeyView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


def key_view(key: ApiKey) -> KeyView:
    """Show a key without its digest."""
    return KeyView(**{name: getattr(key, name) for name in KeyView.__struct_fields__})
