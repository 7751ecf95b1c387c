"""One project sandbox: what is recorded of it, then what is done with it, one thing after the other."""

from __future__ import annotations

from datetime import timedelta

import anyio
import attrs

from orket.decision_nodes.decisions import SandboxPolicy
from orket.domain.assets import Organization
from orket.domain.errors import SandboxConflict, SandboxError
from orket.domain.identifiers import PROJECTS
from orket.domain.ports import Clock, Ledger, ProjectDriver
from orket.domain.projects import (
    UP,
    Health,
    ProjectLimits,
    ProjectPlan,
    ProjectSandboxChanged,
    ProjectStanding,
    ServiceState,
)
from orket.domain.sandboxes import SandboxStatus
from orket.services.project_record import holding

READY_LOOK_S = 0.5


@attrs.frozen(kw_only=True)
class ProjectRoom:
    """What project sandboxes need at hand."""

    driver: ProjectDriver
    ledger: Ledger
    clock: Clock
    policy: SandboxPolicy
    organization: Organization


class Project:
    """A project sandbox.

    Args:
        room: What it needs.
        changed: What is recorded of it last; for a new one, what is to be recorded first.
    """

    def __init__(self, room: ProjectRoom, changed: ProjectSandboxChanged) -> None:
        self._room, self._last = room, changed
        self._one_at_a_time = anyio.Lock()
        self._making: anyio.CancelScope | None = None
        self._seen: tuple[ServiceState, ...] = ()

    @property
    def status(self) -> SandboxStatus:
        """What is recorded last."""
        return self._last.status

    def standing(self) -> ProjectStanding:
        """Say how it stands; nothing in it is secret."""
        last = self._last
        return ProjectStanding(
            sandbox_id=last.sandbox_id,
            name=last.name,
            project=last.project,
            stack=last.stack,
            workspace=last.workspace,
            status=last.status,
            reason=last.reason,
            lease_until=last.lease_until,
            services=self._seen,
        )

    async def create(self, plan: ProjectPlan) -> None:
        """Bring it up and wait until it is well, each for as long as its deadline allows.

        Raises:
            SandboxConflict: It was stopped or deleted meanwhile.
            SandboxError: It did not come up; recorded as unhealthy.
        """
        async with self._one_at_a_time:
            await self._record(SandboxStatus.CREATING)
            with anyio.CancelScope() as self._making:
                try:
                    await self._up(plan)
                    await self._until_well(plan.limits)
                except SandboxError as error:
                    await self._record(SandboxStatus.UNHEALTHY, error.detail)
                    raise
                finally:
                    self._making = None
                return
        raise SandboxConflict(f"{plan.sandbox_id} was stopped while it was being created")

    async def look(self) -> None:
        """Find out how it is, and record what has changed; stop it when its lease is over."""
        if self._one_at_a_time.locked():
            return
        async with self._one_at_a_time:
            if self.status not in UP:
                return
            if self._room.clock.now() >= self._last.lease_until and not await self._held():
                await self._stop("its lease ended")
            else:
                await self._judge(await self._found())

    async def renew(self, lease_s: float) -> None:
        """Let the lease begin anew.

        Raises:
            SandboxConflict: It is not up.
        """
        async with self._one_at_a_time:
            if self.status not in UP:
                raise SandboxConflict(f"{self._last.sandbox_id} is {self.status}: nothing is to be kept up")
            until = self._room.clock.now() + timedelta(seconds=lease_s)
            await self._put(attrs.evolve(self._last, lease_until=until))

    async def stop(self, reason: str) -> None:
        """Stop its services and keep their data; may be called twice.

        Raises:
            SandboxError: The engine cannot be asked; it stays recorded as stopping.
        """
        self._give_up()
        async with self._one_at_a_time:
            if self.status not in (SandboxStatus.STOPPED, SandboxStatus.DELETED):
                await self._stop(reason)

    async def delete(self, reason: str) -> None:
        """Leave nothing of it; may be called twice.

        Raises:
            SandboxError: Something is left; it stays recorded as stopping.
        """
        self._give_up()
        async with self._one_at_a_time:
            if self.status is SandboxStatus.DELETED:
                return
            await self._record(SandboxStatus.STOPPING, reason)
            await self._room.driver.remove(self._last.sandbox_id)
            self._seen = ()
            await self._record(SandboxStatus.DELETED, reason)

    async def adopt(self, left: frozenset[str]) -> None:
        """Put it in order after a restart, given the sandboxes of which anything is there."""
        if self.status is SandboxStatus.CREATING:
            await self.delete("the engine ended while it was being created")
        elif self._last.sandbox_id not in left:
            await self.delete("nothing of it was found at the start of the engine")
        elif self.status is SandboxStatus.STOPPING:
            await self.stop("the engine ended while it was being stopped")
        else:
            await self.look()

    async def _held(self) -> bool:
        """Let the lease begin anew while an open run's commands reach the services."""
        if not await holding(self._room.ledger, self._last.sandbox_id):
            return False
        lease_s = self._room.policy.project_limits(self._room.organization).lease_s
        until = self._room.clock.now() + timedelta(seconds=lease_s)
        await self._put(attrs.evolve(self._last, lease_until=until))
        return True

    def _give_up(self) -> None:
        if self._making is not None:
            self._making.cancel()

    async def _up(self, plan: ProjectPlan) -> None:
        with anyio.move_on_after(plan.limits.create_s) as patience:
            await self._room.driver.up(plan)
        if patience.cancelled_caught:
            raise SandboxError(f"it was not built and started within {plan.limits.create_s:g} s")

    async def _until_well(self, limits: ProjectLimits) -> None:
        """Look again and again, because no event tells that a service has begun to answer."""
        health = Health(status=SandboxStatus.UNHEALTHY)
        with anyio.move_on_after(limits.ready_s):
            while (health := await self._found()).status is not SandboxStatus.RUNNING:  # noqa: ASYNC110
                await anyio.sleep(READY_LOOK_S)
        late = "" if health.status is SandboxStatus.RUNNING else f"not well within {limits.ready_s:g} s: "
        await self._record(health.status, late + health.reason)

    async def _found(self) -> Health:
        try:
            self._seen = await self._room.driver.services(self._last.sandbox_id)
        except SandboxError as error:
            return Health(status=SandboxStatus.UNHEALTHY, reason=error.detail)
        policy = self._room.policy
        stack = policy.choose_stack(self._last.stack, self._room.organization)
        return policy.health(stack, self._seen)

    async def _judge(self, health: Health) -> None:
        if (health.status, health.reason) != (self._last.status, self._last.reason):
            await self._record(health.status, health.reason)

    async def _stop(self, reason: str) -> None:
        await self._record(SandboxStatus.STOPPING, reason)
        limits = self._room.policy.project_limits(self._room.organization)
        await self._room.driver.stop(self._last.sandbox_id, within_s=limits.stop_s)
        self._seen = await self._room.driver.services(self._last.sandbox_id)
        await self._record(SandboxStatus.STOPPED, reason)

    async def _record(self, status: SandboxStatus, reason: str = "") -> None:
        await self._put(attrs.evolve(self._last, status=status, reason=reason))

    async def _put(self, changed: ProjectSandboxChanged) -> None:
        with anyio.CancelScope(shield=True):  # what is recorded and what is remembered are the same
            await self._room.ledger.append(PROJECTS, [changed])
            self._last = changed
