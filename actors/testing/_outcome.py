"""Playing a script to an actor, and what became of it."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import anyio
import attrs

from actors._messages import Request
from actors._ref import Ref
from actors._system import ActorSystem
from actors.errors import DeliveryError, Reject, ReplyError
from actors.testing._fates import Fate
from actors.testing._linear import NODES_MAX, Model, Operation, Verdict, explain
from actors.testing._run import Stage

#: Virtual seconds to wait for messages that are still on their way, one at a time.
PATIENCE_S = 120


@attrs.define(eq=False)
class Sent:
    """One message of a script on its way.

    Attributes:
        sender: Number of the task that sent it.
        message: A copy of its own, so that it can be told from its equals.
        fate: What the runtime did with it.
        called: Reading of the run's event clock when it was sent.
        returned: When the ask came back.
        reply: The ask's reply.
        error: What the ask raised.
    """

    sender: int
    message: Any
    fate: Fate
    called: int = 0
    returned: int | None = None
    reply: Any = None
    error: Exception | None = None


@attrs.frozen
class Outcome:
    """What became of a script.

    Attributes:
        sent: Its messages, in script order.
        lost: Those that did not end exactly one way: handled, rejected, expired or dead-lettered.
        restarts: Readings of the event clock at which the target restarted.
    """

    sent: tuple[Sent, ...]
    lost: list[Any]
    restarts: tuple[int, ...] = ()

    @property
    def replies(self) -> list[Any]:
        """What each message of the script was answered with; None for tells and failures."""
        return [one.reply for one in self.sent]

    @property
    def errors(self) -> list[Exception | None]:
        """What each ask raised."""
        return [one.error for one in self.sent]

    @property
    def history(self) -> list[Operation]:
        """The operations, without those that certainly never happened."""
        found = [operation for one in self.sent if (operation := _operation(one)) is not None]
        return found + [Operation(-1, None, at - 0.5, at) for at in self.restarts]

    def explained_by(self, model: type[Model[Any]] | Model[Any], *, nodes_max: int = NODES_MAX) -> Verdict:
        """Whether a sequential model explains the replies (linearizability).

        An ask that failed without certainty may or may not have happened; a restart is an operation
        of its own (``Model.restart``).

        Args:
            model: A model, or its class.
            nodes_max: Budget of the search; beyond it the verdict is ``unknown``, which is not true.
        """
        return explain(self.history, model() if isinstance(model, type) else model, nodes_max)


def _operation(one: Sent) -> Operation | None:
    """The operation of a message; None when it certainly had no effect."""
    fate, error = one.fate, one.error
    ended = math.inf if fate.ended is None else fate.ended
    if isinstance(error, DeliveryError):
        return None
    if isinstance(error, Reject):
        return Operation(one.sender, one.message, one.called, one.returned or math.inf, refused=error)
    if error is not None:
        return Operation(one.sender, one.message, one.called, ended, certain=False)
    if one.returned is not None:
        return Operation(one.sender, one.message, one.called, one.returned, one.reply)
    if "handled" in fate.ends:
        return Operation(one.sender, one.message, one.called, ended, silent=True)
    if fate.begun is None or "rejected" in fate.ends:
        return None
    return Operation(one.sender, one.message, one.called, ended, certain=False, silent=True)


async def play(
    stage: Stage,
    system: ActorSystem,
    script: Sequence[Any],
    to: Ref[Any],
    senders: int,
    timeout: float | None,
) -> Outcome:
    """Send a script by several senders and wait until every message has ended."""
    fates = stage.watcher.fates
    copies = [copy.copy(message) for message in script]
    sent = [Sent(at % senders, message, fates.follow(message)) for at, message in enumerate(copies)]
    expired = system.info(to).expired
    restarts = len(fates.restarts)

    async def sender(number: int) -> None:
        for one in sent[number::senders]:
            one.called = fates.tick()
            await _send(one, to, timeout)
            one.returned = fates.tick() if isinstance(one.message, Request) else None
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        for number in range(senders):
            group.start_soon(sender, number, name=f"sender{number}")
    for _ in range(PATIENCE_S):
        if all(one.fate.ends for one in sent):
            break
        await anyio.sleep(1)
    skipped = system.info(to).expired - expired
    missing = [one.message for one in sent if not one.fate.ends]
    doubled = [one.message for one in sent if len(one.fate.ends) > 1]
    lost = (missing if len(missing) > skipped else []) + doubled
    path = to.path
    return Outcome(tuple(sent), lost, tuple(at for where, at in fates.restarts[restarts:] if where == path))


async def _send(one: Sent, to: Ref[Any], timeout: float | None) -> None:
    if not isinstance(one.message, Request):
        to.tell(one.message)
        return
    try:
        one.reply = await to.ask(one.message, timeout=timeout)
    except (DeliveryError, ReplyError, Reject) as error:
        one.error = error
