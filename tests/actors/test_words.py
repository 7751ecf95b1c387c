"""Texts come about whatever the user's own values do when they are asked for words."""

from typing import Any

import attrs
import pytest

from actors import Actor, ActorSystem, Crashed, Reject, Request, on, shared
from actors._words import SHOWN_MAX, shown

pytestmark = pytest.mark.anyio


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class MuteReject(Reject):
    def __repr__(self) -> str:
        raise RuntimeError("no words")


@attrs.frozen
class Do(Request[int]):
    error: Any = shared()  # noqa: RUF009 - a field, not a value
    value: Any = shared(default=None)  # noqa: RUF009 - likewise


class Clerk(Actor[Do], intensity=(100, 1000.0)):
    @on(Do)
    async def do(self, m: Do) -> int:
        if m.error is not None:
            raise m.error
        return 1


@pytest.mark.parametrize("tell", [True, False])
@pytest.mark.parametrize("error", [Unspeakable(), ValueError("plain"), MuteReject()])
async def test_a_failure_or_message_without_words_crashes_one_actor_only(
    error: Exception, tell: bool
) -> None:
    async with ActorSystem() as system:
        clerk = system.spawn(Clerk)
        for value in (None, Mute()):
            if tell:
                clerk.tell(Do(error, value))
            else:
                with pytest.raises((Crashed, MuteReject)):
                    await clerk.ask(Do(error, value))
        assert await clerk.ask(Do(None)) == 1
        system.suspend(clerk)
        with pytest.raises(TimeoutError, match="whose repr raises"):
            await clerk.ask(Do(None, Mute()), timeout=0.001)


def test_a_text_is_bounded() -> None:
    assert shown("x" * 10 * SHOWN_MAX).endswith("…")
    assert len(shown(b"x" * 10 * SHOWN_MAX)) == SHOWN_MAX + 1
    assert shown(1) == "1"
    assert shown(Mute()) == "<Mute, whose repr raises RuntimeError>"
