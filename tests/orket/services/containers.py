"""A container engine in memory, for tests of what keeps project sandboxes."""

from __future__ import annotations

import anyio

from orket.decision_nodes.sandbox_policy import DefaultSandboxPolicy
from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.projects import ProjectPlan, ServiceState
from orket.domain.sandboxes import Command, CommandEnd, CommandResult


class Engine:
    """A container engine in memory: what is up, and how it is to fail."""

    owner = "me"

    def __init__(self) -> None:
        self.plans: dict[str, ProjectPlan] = {}
        self.state = self.at_first = "running"
        self.away = self.broken = False
        self.hold: anyio.Event | None = None
        self.begun = anyio.Event()
        self.cleared = 0
        self.did: list[str] = []

    def reached(self) -> None:
        if self.away:
            raise SandboxUnavailable("the engine is away")

    async def check(self, plan: ProjectPlan) -> None:
        self.reached()

    async def up(self, plan: ProjectPlan) -> None:
        self.plans[plan.sandbox_id] = plan
        self.begun.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.broken:
            raise SandboxError("compose failed with exit code 17: no such image")
        self.state = self.at_first

    async def services(self, sandbox_id: str) -> tuple[ServiceState, ...]:
        self.reached()
        if sandbox_id not in self.plans:
            return ()
        names = [one.name for one in DefaultSandboxPolicy().stacks()[0].services]
        return tuple(ServiceState(service=one, state=self.state, ports=((80, 4711),)) for one in names)

    async def logs(self, sandbox_id: str, *, service: str, lines: int) -> str:
        return f"{sandbox_id} {service} {lines}"

    async def run(self, sandbox_id: str, *, service: str, command: Command) -> CommandResult:
        return CommandResult(
            end=CommandEnd.OK, exit_code=0, stdout=service.encode(), stderr=b"", duration_ms=1
        )

    async def stop(self, sandbox_id: str, *, within_s: float) -> None:
        self.reached()
        self.did.append(f"stop {sandbox_id}")
        self.state = "exited"

    async def remove(self, sandbox_id: str) -> None:
        self.reached()
        self.did.append(f"remove {sandbox_id}")
        self.plans.pop(sandbox_id, None)

    async def left(self) -> frozenset[str]:
        self.reached()
        return frozenset(self.plans)

    async def clear_commands(self) -> int:
        self.cleared += 1
        return 0
