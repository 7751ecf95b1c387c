"""Actors that nobody has asked anything yet: only their ref exists, and nobody can tell."""

import copy

import pytest

from actors import ActorSystem, NotRunning, Supervisor, child
from actors._cell import Cell
from actors._seed import Seed
from tests.actors.bank import Account, Balance
from tests.actors.moments import settle
from tests.actors.seeds import Ask, Bare, Dear, Guard, Seen, Tell, Watcher

pytestmark = pytest.mark.anyio


def seeds(system: ActorSystem) -> int:
    """Children of the root that have no cell."""
    children = system._kernel.root.children or {}
    return sum(found.__class__ is Seed for found in children.values())


async def test_a_seed_grows_at_its_first_message_and_is_a_plain_ref_from_then_on() -> None:
    async with ActorSystem("s") as system:
        refs = [system.spawn(Bare) for _ in range(3)]
        assert seeds(system) == 3
        assert system.statistics().actors == 3
        assert seeds(system) == 3
        assert await refs[1].ask(Ask()) == "bare"
        assert seeds(system) == 2
        assert type(refs[1]) is not Seed
        assert [info.path for info in system.survey()][1:] == [ref.path for ref in refs]
        assert refs[0] != refs[1]
        assert refs[0] == refs[0]
        assert not hasattr(refs[2], "nothing")


async def test_a_copy_of_a_seed_is_the_same_actor() -> None:
    async with ActorSystem() as system:
        for first in (0, 1):
            ref = system.spawn(Bare)
            pair = (ref, copy.copy(ref))
            assert await pair[first].ask(Ask()) == "bare"
            assert pair[0] == pair[1]
        assert system.statistics().actors == 2


async def test_a_seed_that_was_never_used_is_a_tombstone_after_the_stop() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Bare)
    with pytest.raises(NotRunning):
        await ref.ask(Ask())
    assert system.info(ref).state == "stopped"
    assert system.statistics().dead_letters == {"stopped": 1}


async def test_seeds_stop_in_their_place() -> None:
    """Last started first: a seed is gone for those started before it, and there for those after."""
    seen: list[str] = []
    async with ActorSystem() as system:
        before = system.spawn(Dear, "before", seen)
        bare = system.spawn(Bare)
        after = system.spawn(Dear, "after", seen)
        for ref in (before, after):
            ref.tell(Tell(bare))
        await settle()
    assert seen == ["after: bare was there", "before: bare was gone"]


async def test_a_watched_seed_ends_with_a_reason() -> None:
    seen = Seen()
    async with ActorSystem() as system:
        watcher = system.spawn(Watcher, seen)
        bare = system.spawn(Bare)
        watcher.tell(Tell(bare))
        await settle()
        await system.stop_actor(bare)
        await settle()
    assert seen.reasons == ["shutdown"]


async def test_the_children_of_an_actor_that_crashes_are_gone_seeds_or_not() -> None:
    async with ActorSystem() as system:
        guard = system.spawn(Guard)
        child_ref = await guard.ask(Ask())
        await settle()
        assert system.statistics().actors == 2
        system.kill(guard)
        await settle()
        assert system.statistics().actors == 1
        assert system.info(child_ref).state == "stopped"


async def test_a_supervisor_without_a_constructor_starts_its_children() -> None:
    class Bank(Supervisor):
        account = child(Account)(5)

    async with ActorSystem() as system:
        bank = system.spawn(Bank)
        await system.started(bank)
        assert seeds(system) == 0
        assert [node.state for node in system.tree().children[0].children] == ["running"]
        assert await system.supervise(Bank).account.ask(Balance()) == 5


async def test_an_observed_system_makes_every_cell_at_once() -> None:
    async with ActorSystem(isolation="verify") as system:
        ref = system.spawn(Bare)
        assert seeds(system) == 0
        assert isinstance(system._kernel.root.offspring()[0], Cell)
        assert await ref.ask(Ask()) == "bare"
