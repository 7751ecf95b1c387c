"""``orket memory``: what was remembered over all runs."""

from __future__ import annotations

import anyio
from cyclopts import App

from orket.domain.memory import query_words
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import printable
from orket.settings import Settings
from orket.wire import codec
from orket.wire.memory import MemoryView, memory_view

_LIMIT_MAX = 500

app = App(name="memory", help="Look at the project's memory: decisions that were kept over all runs.")


@app.command
def search(*words: str, limit: int = 20, as_json: Json = False, where: Where = HERE) -> int:
    """Search what was remembered: the best match first; without words, the newest first.

    Words are taken as they are: no sign has a meaning. Upper case and accents do not matter.

    Args:
        words: What to look for.
        limit: How many at most.
        as_json: Print one memory a line as JSON.
    """
    if not 1 <= limit <= _LIMIT_MAX:
        raise BadInput(f"--limit {limit}: must be from 1 to {_LIMIT_MAX}")
    query = " ".join(words)
    if query and not query_words(query):
        raise BadInput(f"{query!r} holds no word to look for; without any, the newest are listed")
    return anyio.run(_search, where, query, limit, as_json)


async def _search(where: Where, query: str, limit: int, as_json: bool) -> Exit:
    out = Out()
    found = await _found(where.settings(), query, limit)
    for one in found:
        out.line(codec.encode(one).decode() if as_json else _told(one))
    if not found:
        out.remark("nothing is remembered about that" if query else "nothing is remembered yet")
    return Exit.DONE


async def _found(settings: Settings, query: str, limit: int) -> tuple[MemoryView, ...]:
    from orket.bootstrap.prompting import search_memory

    if not settings.url:
        return tuple(map(memory_view, await search_memory(settings, query, limit=limit)))
    from orket.interfaces.cli.elsewhere import named_bridge

    async with named_bridge(settings) as client:
        return (await client.memory(query, limit=limit)).memories


def _told(one: MemoryView) -> str:
    at = one.at.astimezone().strftime("%Y-%m-%d %H:%M")
    place = f"run {one.run_id}, {printable(one.card_id)}, {printable(one.by)}"
    return f"{one.seq:>6}  {at}  {place}: {printable(one.text)}"
