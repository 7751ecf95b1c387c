"""``orket memory``: what was remembered over all runs."""

from __future__ import annotations

import anyio
import attrs
from cyclopts import App

from orket.domain.identifiers import MEMORY
from orket.domain.memory import TEXT_CHARS_MAX, query_words
from orket.domain.memory import words as known_words
from orket.interfaces.cli.engines import reach_engine, reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.session import person
from orket.interfaces.cli.wording import printable
from orket.orchestration.messages import AddMemory, ForgetMemory, MemoryCommand
from orket.settings import Settings
from orket.wire import codec
from orket.wire.memory import MemoryView, memory_view

_LIMIT_MAX = 500

app = App(name="memory", help="The project's memory: decisions that are kept over all runs.")


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


@app.command
def add(*words: str, where: Where = HERE) -> int:
    """Put something into the memory, to be recalled in later runs: a decision and its reason, as one text.

    Args:
        words: The text; at most 2,000 characters. Secrets are refused.
    """
    text = " ".join(words).strip()
    if not known_words(text):
        raise BadInput("say what to remember, in words: orket memory add 'Totals are in cents, …'")
    if len(text) > TEXT_CHARS_MAX:
        raise BadInput(f"the text has {len(text)} characters, at most {TEXT_CHARS_MAX} are remembered")
    return anyio.run(_tend, where, AddMemory(text=text, by=person()))


@app.command
def forget(number: int, *, reason: str = "", where: Where = HERE) -> int:
    """Take something out of the memory: it is recalled no more, while the ledger keeps what it was.

    Args:
        number: What to forget, by its number in the search.
        reason: Why, for the record.
    """
    return anyio.run(_tend, where, ForgetMemory(number=number, by=person(), reason=reason))


async def _tend(where: Where, command: MemoryCommand) -> Exit:
    settings = where.settings()
    if isinstance(command, ForgetMemory):
        async with reach_ledger(settings):  # where there is no database there is nothing to forget
            pass
    # Whoever looks after the memory does not mean to drive runs.
    async with reach_engine(attrs.evolve(settings, take_up=False)) as control:
        memory = await control.memory(command)
    done = "remembered" if isinstance(command, AddMemory) else "forgotten"
    Out().line(f"{done}: {_told(memory_view(memory)).strip()}")
    return Exit.DONE


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
    run = "" if one.run_id == MEMORY else f"run {one.run_id}, {printable(one.card_id)}, "
    place = f"{run}{printable(one.by)}"
    return f"{one.seq:>6}  {at}  {place}: {printable(one.text)}"
