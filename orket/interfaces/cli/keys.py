"""``orket keys``: who may use the bridge from elsewhere, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import anyio
import msgspec
from cyclopts import App
from rich.table import Table
from rich.text import Text

from orket.domain.keys import read_scopes
from orket.interfaces.cli.engines import require_here
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import printable
from orket.settings import Settings
from orket.wire import codec
from orket.wire.keys import KeyView, key_view

app = App(name="keys", help="Keys of the bridge: make, list, revoke. They are kept as digests.")


@app.command
def create(
    name: str,
    /,
    *,
    scope: tuple[str, ...] = ("read",),
    days: float | None = None,
    as_json: Json = False,
    where: Where = HERE,
) -> int:
    """Make a key and print the token that its holder sends; it is shown once and kept nowhere.

    A running server knows it from the next request on.

    Args:
        name: What you call it, such as the program or the person that gets it.
        scope: What it allows: read, operate (start and stop runs), approve (decide what waits for a person),
            admin (everything); may be given several times.
        days: How long it is good for [default: until it is revoked].
        as_json: Print the key and its token as JSON.
    """
    from orket.bootstrap import make_key, open_keys

    require_here(where.settings(), "keys create")  # no answer of a bridge has a secret in it
    out, names = Out(), [one for given in scope for one in given.split(",")]
    key, token = make_key(open_keys(where.settings()), name, read_scopes(names), days=days)
    if as_json:
        out.line(codec.encode({**msgspec.structs.asdict(key_view(key)), "token": token}).decode())
    else:
        out.line(token)
        out.remark(f"key {key.id} ({', '.join(key.scopes)}); send it as Authorization: Bearer {token[:14]}…")
    return Exit.DONE


@app.command(name="list")
def list_(*, as_json: Json = False, where: Where = HERE) -> int:
    """List the keys, those that open nothing any more included; never what opens.

    Args:
        as_json: Print one key a line as JSON.
    """
    out, found = Out(), anyio.run(_all, where.settings())
    if as_json:
        for one in found:
            out.line(codec.encode(one).decode())
    elif found:
        out.show(_table(found, datetime.now(UTC)))
    else:
        out.remark("no keys here yet; make one with: orket keys create NAME --scope operate")
    return Exit.DONE


@app.command
def revoke(key: str, /, *, where: Where = HERE) -> int:
    """Have a key open nothing any more, from the next request on.

    Args:
        key: Its id.
    """
    anyio.run(_revoke, where.settings(), key)
    Out().remark(f"key {key} is revoked")
    return Exit.DONE


async def _all(settings: Settings) -> tuple[KeyView, ...]:
    from orket.bootstrap import open_keys

    if not settings.url:
        return tuple(map(key_view, open_keys(settings).all()))
    from orket.interfaces.cli.elsewhere import named_bridge

    async with named_bridge(settings) as client:
        page = await client.keys()
        found = [*page.keys]
        while page.next:
            page = await client.keys(page=page.next)
            found += page.keys
    return tuple(found)


async def _revoke(settings: Settings, key: str) -> None:
    from orket.bootstrap import open_keys

    if settings.url:
        from orket.interfaces.cli.elsewhere import named_bridge

        async with named_bridge(settings) as client:
            await client.revoke_key(key)
        return
    keys = open_keys(settings)
    if all(one.id != key for one in keys.all()):
        raise BadInput(f"no key has the id {key!r}; see: orket keys list")
    keys.revoke(key, datetime.now(UTC))


def _table(keys: Sequence[KeyView], now: datetime) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for title in ("id", "name", "scopes", "made", "standing"):
        table.add_column(title, no_wrap=title != "name")
    for one in keys:
        told = standing(one, now)
        style = "" if told.startswith("usable") else "dim"
        made = one.created_at.astimezone().strftime("%Y-%m-%d")
        cells = (one.id, printable(one.name), ",".join(one.scopes), made, told)
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def standing(key: KeyView, now: datetime) -> str:
    """Word whether a key opens anything."""
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at.astimezone():%Y-%m-%d}"
    if key.expires_at is None:
        return "usable"
    return f"{'usable until' if now < key.expires_at else 'expired'} {key.expires_at.astimezone():%Y-%m-%d}"
