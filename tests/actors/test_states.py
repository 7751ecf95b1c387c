"""Actors with states: the table per state, postponing, and the check at class definition."""

import enum

import attrs
import pytest

from actors import Actor, ActorSystem, AskTimeout, Mailbox, MailboxFull, Message, NotRunning, Request, on
from tests.actors.moments import background, settle

pytestmark = pytest.mark.anyio


class Link(enum.Enum):
    DOWN = "down"
    UP = "up"


@attrs.frozen
class Connect(Message):
    pass


@attrs.frozen
class Break(Message):
    crash: bool = False


@attrs.frozen
class Send(Request[str]):
    text: str


class Session(Actor[Connect | Break | Send], states=Link, default="postpone", mailbox=Mailbox(8)):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    @on(Connect, state=Link.DOWN)
    async def connect(self, m: Connect) -> None:
        self.become(Link.UP)
        self.log.append("up")

    @on(Break)
    async def sever(self, m: Break) -> None:
        if m.crash:
            raise ValueError
        self.become(Link.DOWN)
        self.log.append("down")

    @on(Send, state=Link.UP)
    async def send(self, m: Send) -> str:
        self.log.append(m.text)
        return m.text


async def test_what_a_state_does_not_handle_waits_for_one_that_does() -> None:
    async with ActorSystem() as system:
        log: list[str] = []
        session = system.spawn(Session, log)
        session.tell(Send("a"))
        async with background(session.ask, Send("b")) as asked:
            await settle()
            assert log == []
            session.tell(Connect())
        assert asked.value == "b"
        assert log == ["up", "a", "b"]


async def test_a_change_holds_from_the_next_message_of_the_same_batch() -> None:
    async with ActorSystem() as system:
        log: list[str] = []
        session = system.spawn(Session, log)
        for message in (Send("1"), Connect(), Send("2"), Break(), Send("3"), Connect(), Send("4")):
            session.tell(message)
        await settle()
        assert log == ["up", "1", "2", "down", "up", "3", "4"]


async def test_a_restart_begins_in_the_first_state_and_keeps_what_was_postponed() -> None:
    async with ActorSystem() as system:
        log: list[str] = []
        session = system.spawn(Session, log)
        for message in (Send("1"), Send("2"), Break(crash=True), Send("3"), Connect()):
            session.tell(message)
        await settle()
        assert log == ["up", "1", "2", "3"]
        assert system.info(session).restarts == 1


async def test_postponed_asks_expire_overflow_and_end_with_the_actor() -> None:
    async with ActorSystem() as system:
        session = system.spawn(Session, [])
        with pytest.raises(AskTimeout):
            await session.ask(Send("late"), timeout=0.005)
        for number in range(8):
            session.tell(Send(str(number)))
        await settle()
        assert system.info(session).expired == 1
        with pytest.raises(MailboxFull):
            await session.ask(Send("too much"))
        session.tell(Connect())
        session.tell(Break())
        await settle()
        async with background(session.ask, Send("stopped")) as stopped:
            await settle()
            await system.stop_actor(session)
        assert isinstance(stopped.error, NotRunning)
        books = system.statistics()
        ends = books.handled + books.rejected + books.expired + sum(books.dead_letters.values())
        assert books.accepted + books.refused == ends
        assert books.dead_letters == {"overflow": 1, "stopped": 1}


def test_holes_in_the_table_are_refused() -> None:
    with pytest.raises(TypeError, match=r"has, in Link\.DOWN, no handler for Send"):

        class Holes(Actor[Connect | Send], states=Link):
            @on(Connect)
            async def connect(self, m: Connect) -> None: ...

            @on(Send, state=Link.UP)
            async def send(self, m: Send) -> str:
                return ""


def test_a_message_that_no_state_handles_is_refused() -> None:
    with pytest.raises(TypeError, match="has no handler for Send"):

        class Never(Actor[Connect | Send], states=Link, default="postpone"):
            @on(Connect)
            async def connect(self, m: Connect) -> None: ...


def test_two_handlers_for_one_state_are_refused() -> None:
    with pytest.raises(TypeError, match=r"one and two both handle Connect in Link\.UP"):

        class Double(Actor[Connect], states=Link):
            @on(Connect)
            async def one(self, m: Connect) -> None: ...

            @on(Connect, state=(Link.UP,))
            async def two(self, m: Connect) -> None: ...


def test_a_state_without_states_is_refused() -> None:
    with pytest.raises(TypeError, match="unknown state"):

        class Stateless(Actor[Connect]):
            @on(Connect, state=Link.UP)
            async def connect(self, m: Connect) -> None: ...


async def test_unhandled_is_the_other_default() -> None:
    class Strict(Actor[Connect | Send], states=Link, default="unhandled"):
        @on(Connect)
        async def connect(self, m: Connect) -> None:
            self.become(Link.UP)

        @on(Send, state=Link.UP)
        async def send(self, m: Send) -> str:
            return m.text

    async with ActorSystem() as system:
        strict = system.spawn(Strict)
        strict.tell(Send("early"))
        strict.tell(Connect())
        assert await strict.ask(Send("x")) == "x"
        assert system.statistics().dead_letters == {"unhandled": 1}
