"""What a person does to the project's memory: looked at first, then recorded, one after the other."""

from __future__ import annotations

from actors import Reply
from orket.domain.errors import MemoryNotFound, OrketError, RunConflict
from orket.domain.identifiers import MEMORY
from orket.domain.memory import TEXT_CHARS_MAX, Memory, words
from orket.domain.memory_events import MemoryAdded, MemoryForgotten
from orket.domain.ports import LedgerReader
from orket.domain.remembering import forgotten, remembered
from orket.orchestration.control import Locks
from orket.orchestration.desk import Desk
from orket.orchestration.messages import AddMemory, ForgetMemory, MemoryCommand, Refused
from orket.orchestration.notes import Answered

PAGE = 1000


async def tended(desk: Desk, locks: Locks, m: MemoryCommand, to: Reply[Memory]) -> Answered:
    """Tend the memory when it is one's turn, and answer who asked."""
    try:
        async with locks.of(MEMORY):
            to.reply(await tend(desk, m))
    except OrketError as error:
        to.fail(Refused(error))
    return Answered()


async def tend(desk: Desk, m: MemoryCommand) -> Memory:
    """Add to the memory or take out of it.

    Raises:
        MemoryNotFound: Nothing, or nothing any more, is remembered under the number.
        RunConflict: The text is empty or too long, says nothing, or holds a secret.
        StoreError: Nothing was recorded.
    """
    return await (_add(desk, m) if isinstance(m, AddMemory) else _forget(desk, m))


async def _add(desk: Desk, m: AddMemory) -> Memory:
    text = m.text.strip()
    if not words(text):
        raise RunConflict("there is nothing to remember in that text: it holds no word")
    if len(text) > TEXT_CHARS_MAX:
        raise RunConflict(
            f"the text has {len(text)} characters, at most {TEXT_CHARS_MAX} are remembered: shorten it"
        )
    if desk.redactor.text(text) != text:
        raise RunConflict("the text holds a secret: refer to it by its name, secrets are not remembered")
    (memory,) = remembered(await desk.ledger.append(MEMORY, [MemoryAdded(by=m.by, text=text)]))
    return memory


async def _forget(desk: Desk, m: ForgetMemory) -> Memory:
    memory = await _find(desk.ledger, m.number)
    if m.number in await _gone(desk.ledger):
        raise MemoryNotFound(f"memory {m.number} was taken out already")
    gone = MemoryForgotten(number=m.number, by=m.by, reason=m.reason)
    await desk.ledger.append(MEMORY, [gone])
    return memory


async def _find(ledger: LedgerReader, number: int) -> Memory:
    page = await ledger.read(after=number - 1, limit=1) if number > 0 else ()
    if found := [one for one in remembered(page) if one.seq == number]:
        return found[0]
    raise MemoryNotFound(f"nothing is remembered under the number {number}; see: orket memory search")


async def _gone(ledger: LedgerReader) -> frozenset[int]:
    found: set[int] = set()
    after = 0
    while page := await ledger.read(MEMORY, after=after, limit=PAGE):
        found.update(forgotten(page))
        after = page[-1].seq
    return frozenset(found)
