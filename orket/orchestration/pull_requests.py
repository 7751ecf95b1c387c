"""Pull requests: decides about what the forge tells, records it, and then does what follows.

The forge has its answer as soon as the decision is durable. Deliveries about one pull request are handled one
after the other, so that each change request is counted once; those of others go on beside it. An effect that
was recorded and has no outcome is tried again, by the next engine too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import attrs

from actors import Actor, ActorsError, Message, Ref, Reply, on
from orket.domain.correlation import REQUEST, Origin
from orket.domain.errors import ForgeError, IdempotencyConflict, OrketError
from orket.domain.identifiers import PULL_REQUESTS, CardId
from orket.domain.ports import CommandKey, Ledger
from orket.domain.pull_requests import (
    EffectKind,
    Forge,
    ForgeCall,
    PullRequestDecided,
    PullRequestEffectFinished,
    ReviewRules,
    Standing,
    decide,
    fold_all,
)
from orket.orchestration.messages import (
    EngineCommand,
    ForgeHeard,
    HearForge,
    Refused,
    StartRun,
    SystemCommand,
)

PAGE = 1000
ATTEMPTS_MAX = 6
RETRY_S = 2.0
START_TIMEOUT_S = 30.0
HEARD_AT_ONCE_MAX = 500
EFFECTS_AT_ONCE = 4
# No client can send a key with this sign, so a delivery can never be taken for a client's command.
_KEY = "gitea\u00b7"

Place = tuple[str, int]


@attrs.frozen(kw_only=True)
class PullRequestRoom:
    """What the keeper of pull requests needs at hand."""

    ledger: Ledger
    forge: Forge
    rules: ReviewRules
    engine: Ref[EngineCommand | SystemCommand]
    retry_s: float = RETRY_S


@attrs.frozen
class _Done(Message):
    """A piece of work beside the handlers is over."""


@attrs.define
class _Turn:
    """Who is at a pull request, and how many wait for their turn."""

    lock: anyio.Lock = attrs.field(factory=anyio.Lock)
    users: int = 0


class PullRequests(Actor[HearForge | _Done], restart="permanent", shutdown=5.0):
    """Keeps where the pull requests stand, as the ledger has it.

    Args:
        room: What it needs at hand.
    """

    def __init__(self, room: PullRequestRoom) -> None:
        self._room = room
        self._standing: dict[Place, Standing] = {}
        self._turns: dict[Place, _Turn] = {}
        self._hearing = 0
        self._effects = anyio.CapacityLimiter(EFFECTS_AT_ONCE)

    async def on_start(self) -> None:
        """Take up what is recorded, and what had been decided and was not done."""
        decided, done = await _recorded(self._room.ledger)
        self._standing = fold_all(decided)
        for one in decided:
            if any((one.delivery_id, index) not in done for index in range(len(one.effects))):
                self._follow_up(one, frozenset(i for name, i in done if name == one.delivery_id), again=True)

    @on(HearForge)
    async def hear(self, m: HearForge) -> Reply[ForgeHeard]:
        """Decide and record beside the handlers, one after the other for each pull request."""
        if self._hearing >= HEARD_AT_ONCE_MAX:
            raise Refused(ForgeError("too much is being heard; tell it again later", retryable=True))
        self._hearing += 1
        reply = self.ctx.defer(m)

        async def answer() -> _Done:
            try:
                reply.reply(await self._hear(m))
            except OrketError as error:
                reply.fail(Refused(error))
            finally:
                self._hearing -= 1
            return _Done()

        self.ctx.pipe(answer, lambda done: done)
        return reply

    @on(_Done)
    async def _done(self, m: _Done) -> None:
        """Nothing is left to do."""

    async def _hear(self, m: HearForge) -> ForgeHeard:
        event, key = m.event, CommandKey(key=f"{_KEY}{m.event.delivery_id}", fingerprint="delivery")
        async with self._turn(event.place):
            standing = self._standing.get(event.place, Standing())
            decided = decide(event, standing, self._room.rules)
            try:
                await self._room.ledger.append(PULL_REQUESTS, [decided], key=key)
            except IdempotencyConflict:
                return ForgeHeard(repeated=True)
            after = fold_all([decided], {event.place: standing})
            self._standing.pop(event.place, None)
            self._standing |= after
        if decided.effects:
            self._follow_up(decided, frozenset(), again=False)
        return ForgeHeard(decided=decided)

    @asynccontextmanager
    async def _turn(self, place: Place) -> AsyncIterator[None]:
        turn = self._turns.setdefault(place, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[place]

    def _follow_up(self, decided: PullRequestDecided, done: frozenset[int], *, again: bool) -> None:
        async def act() -> _Done:
            async with self._effects:
                for index in range(len(decided.effects)):
                    if index not in done:
                        await self._carry_out(decided, index, again=again)
            return _Done()

        self.ctx.pipe(act, lambda one: one)

    async def _carry_out(self, decided: PullRequestDecided, index: int, *, again: bool) -> None:
        attempt, detail, ok = 0, "", False
        while attempt < ATTEMPTS_MAX:
            attempt += 1
            try:
                detail, ok = await self._perform(decided, index, again=again or attempt > 1), True
                break
            except ForgeError as error:
                detail = error.detail
                if not error.retryable:
                    break
            if attempt < ATTEMPTS_MAX:
                await anyio.sleep(self._room.retry_s * 2 ** (attempt - 1))
        finished = PullRequestEffectFinished(
            delivery_id=decided.delivery_id, index=index, ok=ok, attempts=attempt, detail=detail
        )
        await self._room.ledger.append(PULL_REQUESTS, [finished])

    async def _perform(self, decided: PullRequestDecided, index: int, *, again: bool) -> str:
        effect, mark = decided.effects[index], f"{decided.delivery_id}/{index}"
        if effect.kind is not EffectKind.START_RUN:
            call = ForgeCall(
                repository=decided.repository, number=decided.number, effect=effect, mark=mark, again=again
            )
            return await self._room.forge.perform(call)
        key = CommandKey(key=f"{_KEY}{mark}", fingerprint=effect.target)
        command = StartRun(target=effect.target, only=CardId(effect.card), key=key)
        REQUEST.set(Origin(decided.delivery_id))  # the run knows which delivery it comes from
        try:
            ticket = await self._room.engine.ask(command, timeout=START_TIMEOUT_S)
        except Refused as refused:
            raise ForgeError(refused.error.detail, retryable=False) from refused
        except ActorsError as error:
            raise ForgeError(f"the engine did not answer: {error}", retryable=True) from error
        return f"run {ticket.run_id}"


async def _recorded(ledger: Ledger) -> tuple[list[PullRequestDecided], set[tuple[str, int]]]:
    """Read what was decided, and which effects have an outcome."""
    decided: list[PullRequestDecided] = []
    done: set[tuple[str, int]] = set()
    after = 0
    while page := await ledger.read(PULL_REQUESTS, after=after, limit=PAGE):
        for one in page:
            if isinstance(one.event, PullRequestDecided):
                decided.append(one.event)
            elif isinstance(one.event, PullRequestEffectFinished):
                done.add((one.event.delivery_id, one.event.index))
        after = page[-1].seq
    return decided, done
