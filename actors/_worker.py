"""Workers: the tasks that run every handler of a system.

Exactly one worker at a time is the runner: it drains the cells that have work and drives their
handlers itself. A handler that finishes without being suspended costs no step of the event loop.
One that is suspended keeps the task it began in; the runner's role passes to another worker. So an
idle actor holds no task, and what a handler sees (task, cancel scopes, context) is its own.
"""

import math
from contextvars import Context
from typing import Any

from anyio import CancelScope

from actors._cell import STARTING, TURN, Cell, Kind
from actors._delivery import admit
from actors._ending import Instances
from actors._envelope import RUNNING, Envelope
from actors._kernel import Kernel
from actors._lifecycle import construct, start_now, tend
from actors._revival import revive
from actors._special import special
from actors._turn import fail, resume, succeed

INF = math.inf
#: What a handler gives that has ended instead of being suspended.
ENDED = object()


class Worker:
    """One task that runs handlers, and the scope in which the runtime may cancel them."""

    __slots__ = ("cell", "kernel", "manning", "number", "pending", "scope", "since", "waiter")

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.number = kernel.next_serial()
        self.cell: Cell | None = None
        self.manning = True
        self.scope: CancelScope
        #: When the handler it drives was suspended first.
        self.since = 0.0
        #: A handler that was just suspended: its message, context, coroutine and first trap.
        self.pending: tuple[Any, Context, Any, Any] | None = None
        self.waiter: Any = None

    async def run(self, instances: Instances) -> None:
        """Work until the system closes or there are idle workers enough."""
        self.kernel.workers[self.number] = self
        try:
            going = True
            while going:
                # A cancelled scope stays cancelled: each is replaced when it was used up.
                with CancelScope() as self.scope:
                    try:
                        going = await self.serve(instances)
                    except self.kernel.loop.cancelled as failure:
                        # Somebody cancelled a task of ours between two messages: go on.
                        self.kernel.let_go(failure)
        finally:
            del self.kernel.workers[self.number]

    async def serve(self, instances: Instances) -> bool:
        """Run ready cells; True when the scope is used up, False when the task is to end."""
        kernel = self.kernel
        ready, loop, batch_max = kernel.ready, kernel.loop, kernel.loop.batch_max
        budget, choose, throng = batch_max, kernel.choose, kernel.throng
        while True:
            if not self.manning and not await self._rest():
                return False
            if not ready:
                if throng:
                    throng.disperse()
                # Whoever just got a reply often asks again: one step is cheaper than parking.
                await loop.step()
                budget = batch_max
                if not ready:
                    ready.manned = self.manning = False
                    continue
            if budget <= 0:
                if throng:
                    throng.pass_over()
                await loop.step()
                budget = batch_max
            cell = ready.popleft() if choose is None else kernel.pick()
            if cell.signals is not None:
                budget -= 1
                await self._tend(cell, instances)
            elif cell.open:
                budget = self._batch(cell, instances, budget)
                if self.pending is not None:
                    await self._suspended(cell, instances)
            elif cell.state is STARTING:
                budget -= 1
                kernel.base.copy().run(start_now, instances, cell)
            if cell.open and cell.signals is None:
                if cell.queue:
                    ready.append(cell)
                else:
                    cell.scheduled = False
            else:
                self._settle(cell)
            if not self.manning:
                budget = batch_max
                if not ready.manned:
                    ready.manned = self.manning = True
                if self.scope.cancel_called:
                    return True

    def _batch(self, cell: Cell, instances: Instances, budget: int) -> int:
        """Handle messages of one cell, until one is suspended; the budget that is left."""
        if cell.context is None:
            self._prepare(cell, instances)
        assert cell.context is not None
        queue, table, copy = cell.queue, cell.table, cell.context.copy
        instance, done = instances[cell], 0
        while queue and budget and cell.signals is None:
            budget -= 1
            item = message = queue.popleft()
            if cell.offers is not None and len(queue) <= cell.low:
                admit(cell)
                # Let the senders that got in go on, behind those that still wait: equal shares.
                budget = 0
            asked = item.__class__ is Envelope
            if asked:
                if item.state or (item.deadline < INF and item.deadline <= self.kernel.loop.now()):
                    cell.expired += 1
                    continue
                item.state, item.turn, message = RUNNING, cell, item.message
            cell.current = item
            function = table.get(message.__class__)
            if function is None:
                found = special(instances, cell, item)
                if found is None:
                    continue
                function, message = found
            context, work = copy(), function(instance, message)
            try:
                if asked:
                    trap = context.run(work.send, None)
                else:
                    # Nobody wants what it returns: so no StopIteration is made, a third of the cost.
                    trap = context.run(next, work.__await__(), ENDED)
                    if trap is ENDED:
                        done += 1
                        continue
            except StopIteration as stop:
                done += 1
                item.turn = None
                if item.state == RUNNING:
                    item.succeed(stop.value)
            except BaseException as failure:  # noqa: BLE001 - an outcome, not a loop exit
                if revive(instances, cell, item, failure):
                    if not cell.open:
                        break
                else:
                    fail(instances, cell, item, failure, cell)
                    if not self._begins_anew(cell, instances):
                        break
                instance, table = instances[cell], cell.table
            else:
                self.pending = (item, context, work, trap)
                cell.handled += done
                return budget
        cell.handled += done
        cell.current = None
        return budget

    def _begins_anew(self, cell: Cell, instances: Instances) -> bool:
        """Whether a crashed actor is to start at once, and did: then its messages go on."""
        if cell.state is not STARTING or cell.signals is not None or self.kernel.choose is not None:
            return False
        self.kernel.base.copy().run(start_now, instances, cell)
        return cell.open and cell.signals is None

    async def _suspended(self, cell: Cell, instances: Instances) -> None:
        """See a suspended handler to its end; another worker is the runner meanwhile."""
        assert self.pending is not None
        (item, context, work, trap), self.pending = self.pending, None
        cell.scope, self.cell, self.since = self.scope, cell, self.kernel.loop.now()
        self._hand_on(cell)
        try:
            value = await resume(context, work, trap)
        except BaseException as failure:  # noqa: BLE001 - an outcome, not a loop exit
            cell.scope = self.cell = cell.current = None
            fail(instances, cell, item, failure, cell)
        else:
            cell.scope = self.cell = cell.current = None
            succeed(cell, item, value, cell)

    def _hand_on(self, cell: Cell) -> None:
        kernel = self.kernel
        self.manning = False
        kernel.hand_on()
        for signal in cell.signals or ():
            if signal.kind not in (Kind.START, Kind.LOOK):
                kernel.interrupt(cell, signal)
        if kernel.brutal:
            kernel.cut(cell, "stop")

    async def _tend(self, cell: Cell, instances: Instances) -> None:
        """Drive the control lane of a cell, as a turn of its own."""
        if cell.context is None:
            self._prepare(cell, instances)
        assert cell.context is not None
        context = cell.context.copy()
        work = tend(instances, cell)
        try:
            trap = context.run(work.send, None)
        except StopIteration:
            return
        self.manning = False
        self.kernel.hand_on()
        await resume(context, work, trap)

    def _prepare(self, cell: Cell, instances: Instances) -> None:
        """Make what only an actor needs that has something to do."""
        cell.context = self.kernel.base.copy()
        cell.context.run(TURN.set, cell)
        if cell.open and cell not in instances:
            instances[cell] = construct(instances, cell)

    def _settle(self, cell: Cell) -> None:
        """Queue the cell again if it has more to do."""
        if cell.signals is not None or (cell.open and cell.queue) or cell.state is STARTING:
            self.kernel.ready.append(cell)
        else:
            cell.scheduled = False

    async def _rest(self) -> bool:
        """Wait for the runner's role; False when there is nothing to wait for any more."""
        kernel = self.kernel
        if kernel.closed or len(kernel.parked) >= kernel.idle_workers_max:
            return False
        kernel.parked.append(self)
        while not self.manning and not kernel.closed:
            try:
                await kernel.loop.park(self)
            except kernel.loop.cancelled as failure:
                # A role that was handed over meanwhile is not lost.
                kernel.let_go(failure)
        return self.manning
