"""The commonest crash, all at once: an actor of which nothing else runs fails, and is restarted alone.

``_turn.fail``, ``_ending.fall``, ``_strategy.judge`` and ``_lifecycle.start_now`` do the same for every
actor, whatever it has and whoever looks on, and each of them has to ask what there is. Here everything is
asked once, before anything is done. Tests hold both ways to the same books.
"""

from typing import Any

from actors._cell import RUNNING, STARTING, Cell
from actors._delivery import content
from actors._ending import Instances, crashed, noted
from actors._envelope import Envelope
from actors._lifecycle import construct, start_failed
from actors._messages import DeadLetter
from actors._rare import Rare, own
from actors._strategy import remember
from actors._supervision import exceeds
from actors.errors import ActorsError


def revive(instances: Instances, cell: Cell, item: Any, failure: BaseException) -> bool:
    """Crash and restart the actor now; False when that takes more, and then nothing has been done."""
    kernel, parent, blueprint = cell.kernel, cell.parent, cell.blueprint
    if not blueprint.light or not kernel.swift or cell.signals is not None or cell.observers is not None:
        return False
    if not isinstance(failure, Exception) or isinstance(failure, ActorsError) or cell.children:
        return False
    if parent is None or parent.state is not RUNNING or parent.ending or cell.ending:
        return False
    mine, theirs = cell.rare or own(cell), parent.rare or own(parent)
    policy, now = parent.blueprint.options.policy, kernel.now()
    if _busy(mine) or theirs.sequence or theirs.falling or DeadLetter in kernel.events.listeners:
        return False
    if policy.strategy != "one_for_one" or cell.spec.backoff is not None or cell.spec.restart == "temporary":
        return False
    if exceeds(policy.intensity, theirs.history or (), now):
        return False
    trace = failure.__traceback__
    if trace is not None:
        # The runtime's own frames hold the other instances.
        failure.__traceback__ = trace.tb_next
    cell.exit = noted("crash", failure, "", cell.exit)
    if item.__class__ is Envelope:
        item.fail(crashed(cell, content(item), failure))
    dead = mine.dead
    if dead is None:
        dead = mine.dead = {}
    dead["poison"] = dead.get("poison", 0) + 1
    mine.retried = None
    mine.failures += 1
    mine.restarts += 1
    remember(theirs, policy, now)
    cell.generation += 1
    _begin(instances, cell, mine, now)
    return True


def _busy(rare: Rare) -> Any:
    """Whether an incarnation has, or somebody expects of it, what its end has to look after."""
    return (
        rare.turns
        or rare.timers
        or rare.pipes
        or rare.watching
        or rare.watchers
        or rare.replies
        or rare.stash
        or rare.history
        or rare.failed
    )


def _begin(instances: Instances, cell: Cell, mine: Rare, now: float) -> None:
    """Make the next incarnation, as ``start_now`` does."""
    cell.open, cell.state, cell.since = False, STARTING, now
    del instances[cell]
    try:
        instances[cell] = cell.kernel.base.copy().run(construct, instances, cell)
    except BaseException as cause:  # noqa: BLE001 - any failure is a failed start
        start_failed(cell, cause)
        return
    cell.begun = cell.generation
    cell.open = not mine.suspended
    cell.state = RUNNING
