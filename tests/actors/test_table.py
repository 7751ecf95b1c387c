"""What happens when: one test per row of the semantics table, messages and asks."""

import anyio
import pytest

from actors import (
    ActorSystem,
    AskTimeout,
    Crashed,
    DeadLetter,
    MailboxFull,
    NoReply,
    NotRunning,
    Ref,
)
from tests.actors.bank import (
    Account,
    Balance,
    Boom,
    Deposit,
    Enter,
    Gate,
    Later,
    Note,
    Overdrawn,
    Porter,
    Withdraw,
)
from tests.actors.moments import Outcome, background, settle

pytestmark = pytest.mark.anyio


def letters(system: ActorSystem) -> list[tuple[str, object]]:
    """The dead letters from now on, as (reason, message)."""
    found: list[tuple[str, object]] = []
    system.subscribe(DeadLetter, lambda letter: found.append((letter.reason, letter.message)))
    return found


async def busy(system: ActorSystem, gate: Gate) -> Ref[Enter | Note | Later | Boom]:
    """A porter whose handler waits at the gate; its mailbox (4) is empty."""
    porter = system.spawn(Porter, gate)
    porter.tell(Enter("first"))
    await gate.entered.wait()
    return porter


async def test_tell_to_a_stopped_actor_is_a_dead_letter() -> None:
    async with ActorSystem() as system:
        dead = letters(system)
        account = system.spawn(Account)
        await system.stop_actor(account)
        account.tell(Deposit(1))
        assert dead == [("stopped", Deposit(1))]


async def test_tell_to_a_full_mailbox_rejects_the_newest() -> None:
    async with ActorSystem() as system:
        dead, gate = letters(system), Gate()
        porter = await busy(system, gate)
        for number in range(6):
            porter.tell(Note(str(number)))
        assert dead == [("overflow", Note("4")), ("overflow", Note("5"))]
        gate.open.set()
        await settle()
        assert await porter.ask(Enter("last")) == "last"
        assert gate.log[2:6] == ["0", "1", "2", "3"]


async def test_offer_to_a_full_mailbox_waits_first_come_first_let_in() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = await busy(system, gate)
        for number in range(4):
            porter.tell(Note(str(number)))
        async with anyio.create_task_group() as group:
            for number in range(4, 8):
                group.start_soon(porter.offer, Note(str(number)))
                await settle()
            assert system.info(porter).offers_waiting == 4
            gate.open.set()
        await porter.ask(Enter("last"))
        assert gate.log[2:10] == [str(number) for number in range(8)]


async def test_offer_honours_the_deadline_of_its_scope() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = await busy(system, gate)
        for number in range(4):
            porter.tell(Note(str(number)))
        with anyio.move_on_after(0) as scope:
            await porter.offer(Note("late"))
        assert scope.cancelled_caught
        assert system.info(porter).offers_waiting == 0
        gate.open.set()
        await settle()
        await porter.ask(Enter("last"))
        assert "late" not in gate.log


async def test_offer_to_a_stopped_actor_is_refused() -> None:
    async with ActorSystem() as system:
        account = system.spawn(Account)
        await system.stop_actor(account)
        with pytest.raises(NotRunning):
            await account.offer(Deposit(1))


async def test_an_offer_that_waits_when_the_actor_stops_is_refused() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = await busy(system, gate)
        for number in range(4):
            porter.tell(Note(str(number)))
        async with background(porter.offer, Note("blocked")) as offer:
            await settle()
            async with background(system.stop_actor, porter):
                await settle()
                gate.open.set()
        assert isinstance(offer.error, NotRunning)


async def test_ask_to_a_full_mailbox_fails_at_once() -> None:
    async with ActorSystem() as system:
        dead, gate = letters(system), Gate()
        porter = await busy(system, gate)
        for number in range(4):
            porter.tell(Note(str(number)))
        with pytest.raises(MailboxFull):
            await porter.ask(Enter("too much"))
        assert dead == [("overflow", Enter("too much"))]
        gate.open.set()


async def test_ask_to_a_stopped_actor_fails_at_once() -> None:
    async with ActorSystem() as system:
        account = system.spawn(Account)
        await system.stop_actor(account)
        with pytest.raises(NotRunning):
            await account.ask(Balance())


async def test_an_ask_that_is_queued_when_the_actor_stops_fails_at_once() -> None:
    async with ActorSystem() as system:
        dead, gate = letters(system), Gate()
        porter = await busy(system, gate)
        async with background(porter.ask, Enter("queued")) as asked:
            await settle()
            async with background(system.stop_actor, porter):
                await settle()
                gate.open.set()
        assert isinstance(asked.error, NotRunning)
        assert dead == [("stopped", Enter("queued"))]
        assert gate.log == ["enter first", "left first"]


async def test_a_stop_that_cuts_off_the_handler_means_no_reply() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = system.named("porter", shutdown=0).spawn(Porter, gate)
        async with background(porter.ask, Enter("cut")) as asked:
            await gate.entered.wait()
            await system.stop_actor(porter)
        assert isinstance(asked.error, NoReply)
        assert gate.log == ["enter cut", "cut cut"]
        assert system.statistics().cut_off == 1


async def test_a_stop_lets_the_current_handler_finish_and_handles_nothing_more() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = system.spawn(Porter, gate)
        async with background(porter.ask, Enter("current")) as asked:
            await gate.entered.wait()
            for number in range(4):
                porter.tell(Note(str(number)))
            async with background(system.stop_actor, porter):
                await settle()
                gate.open.set()
        assert asked.value == "current"
        assert gate.log == ["enter current", "left current"]
        assert system.statistics().dead_letters == {"stopped": 4}


async def test_a_queued_ask_survives_a_restart() -> None:
    async with ActorSystem() as system:
        account = system.spawn(Account, 3)
        account.tell(Boom())
        assert await account.ask(Balance()) == 3
        assert system.info(account).incarnation == 1


async def test_a_crash_while_handling_the_ask() -> None:
    async with ActorSystem() as system:
        dead = letters(system)
        account = system.spawn(Account, 3)
        with pytest.raises(Crashed, match="crashed while handling") as caught:
            await account.ask(Boom("why"))
        assert isinstance(caught.value.__cause__, ValueError)
        assert dead == [("poison", Boom("why"))]
        assert await account.ask(Balance()) == 3


async def test_a_reject_reaches_the_asker_and_the_actor_lives() -> None:
    async with ActorSystem() as system:
        dead = letters(system)
        account = system.spawn(Account, 3)
        with pytest.raises(Overdrawn):
            await account.ask(Withdraw(4))
        account.tell(Withdraw(5))
        assert await account.ask(Balance()) == 3
        assert dead == [("rejected", Withdraw(5))]
        assert system.info(account).rejected == 2
        assert system.info(account).restarts == 0


async def test_a_deadline_that_passes_in_the_queue() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = await busy(system, gate)
        with pytest.raises(AskTimeout):
            await porter.ask(Enter("late"), timeout=0.01)
        gate.open.set()
        assert await porter.ask(Enter("next")) == "next"
        assert "enter late" not in gate.log
        assert system.info(porter).expired == 1


async def test_a_deadline_that_passes_while_running() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = system.spawn(Porter, gate)
        with pytest.raises(TimeoutError):
            await porter.ask(Enter("slow"), timeout=0.01)
        gate.open.set()
        assert await porter.ask(Enter("next")) == "next"
        assert gate.log == ["enter slow", "cut slow", "enter next", "left next"]
        info = system.info(porter)
        assert (info.cut_off, info.restarts, info.handled) == (1, 0, 2)


async def test_the_deadline_of_the_scope_cuts_the_handler_and_not_by_an_error() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = system.spawn(Porter, gate)
        with anyio.move_on_after(0.01) as scope:
            await porter.ask(Enter("slow"))
        assert scope.cancelled_caught
        gate.open.set()
        assert await porter.ask(Enter("next")) == "next"
        assert "cut slow" in gate.log


async def test_an_asker_that_leaves_a_queued_ask() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = await busy(system, gate)
        async with background(porter.ask, Enter("gone")) as asked:
            await settle()
            asked.cancel()
        gate.open.set()
        await porter.ask(Enter("next"))
        assert "enter gone" not in gate.log
        assert system.info(porter).expired == 1


async def test_an_asker_that_leaves_a_running_ask_lets_it_finish() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = system.spawn(Porter, gate)
        async with background(porter.ask, Enter("gone")) as asked:
            await gate.entered.wait()
            asked.cancel()
        gate.open.set()
        await porter.ask(Enter("next"))
        assert gate.log[:2] == ["enter gone", "left gone"]


async def test_a_deferred_reply_lost_by_a_restart() -> None:
    async with ActorSystem() as system:
        porter = system.spawn(Porter, Gate())
        async with background(porter.ask, Later()) as asked:
            await settle()
            porter.tell(Boom())
        assert isinstance(asked.error, NoReply)


async def test_a_deferred_reply_lost_by_a_stop() -> None:
    async with ActorSystem() as system:
        porter = system.spawn(Porter, Gate())
        async with background(porter.ask, Later()) as asked:
            await settle()
            await system.stop_actor(porter)
        assert isinstance(asked.error, NoReply)


async def test_a_deferred_reply_that_nobody_holds_any_more() -> None:
    async with ActorSystem() as system:
        porter = system.spawn(Porter, Gate())
        async with background(porter.ask, Later()) as first:
            await settle()
            async with background(porter.ask, Later()) as second:
                await settle()
                assert isinstance(first, Outcome)
                assert isinstance(first.error, NoReply)
                assert second.error is None
                await system.stop_actor(porter)


async def test_unknown_messages_are_dead_letters() -> None:
    async with ActorSystem() as system:
        dead = letters(system)
        account: Ref[object] = system.spawn(Account)  # type: ignore[assignment]  # through Any
        account.tell(Note("what"))
        await settle()
        assert dead == [("unhandled", Note("what"))]
