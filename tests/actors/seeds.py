"""The actors of the tests about seeds."""

from typing import Any

import attrs

from actors import Actor, Exit, Message, Ref, Request, Terminated, on


@attrs.frozen
class Ask(Request[Any]):
    """What are you?"""


@attrs.frozen
class Tell(Message):
    """Somebody to know."""

    other: "Ref[Ask]"


class Bare(Actor[Ask]):
    """Nothing but a handler."""

    @on(Ask)
    async def answer(self, message: Ask) -> Any:
        return "bare"


class Dear(Actor[Tell]):
    """Looks at its acquaintance when it stops."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self.seen = seen

    @on(Tell)
    async def meet(self, message: Tell) -> None:
        self.other = message.other

    async def on_stop(self, reason: Exit) -> None:
        state = self.ctx.system.info(self.other).state
        self.seen.append(f"{self.name}: bare was {'gone' if state == 'stopped' else 'there'}")


class Seen:
    """What a watcher was told."""

    def __init__(self) -> None:
        self.reasons: list[str] = []


class Watcher(Actor[Tell | Terminated]):
    """Watches whom it is told of."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    @on(Tell)
    async def meet(self, message: Tell) -> None:
        self.ctx.watch(message.other)

    @on(Terminated)
    async def gone(self, message: Terminated) -> None:
        self.seen.reasons.append(message.reason.kind)


class Guard(Actor[Ask]):
    """Has a child of which only the ref exists."""

    def __init__(self) -> None:
        self.child: Ref[Any] | None = None

    @on(Ask)
    async def answer(self, message: Ask) -> Any:
        self.child = self.ctx.spawn(Bare)
        return self.child
