"""The rungs of the sandbox ladder, each imported when it is first asked: most runs ask for one of four."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import ProbeReport, SandboxSpec
from orket.infrastructure.sandboxes.groups import MemoryGroups, find_groups

IMAGE, CGROUP = "ORKET_SANDBOX_IMAGE", "ORKET_SANDBOX_CGROUP"
NO_CGROUP = "none"
Drivers = tuple[SandboxDriver, ...]


class Rung:
    """A driver that is made when it is first asked; otherwise as ``SandboxDriver``."""

    def __init__(self, name: str, level: int, make: Callable[[], SandboxDriver]) -> None:
        self.name, self.level = name, level
        self._make = make
        self._made: SandboxDriver | None = None

    async def probe(self) -> ProbeReport:
        """See ``SandboxDriver.probe``."""
        return await self._driver().probe()

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """See ``SandboxDriver.open``."""
        return await self._driver().open(spec)

    def _driver(self) -> SandboxDriver:
        if self._made is None:
            self._made = self._make()
        return self._made


def ladder(owner: str = "", environ: Mapping[str, str] | None = None) -> Drivers:
    """The sandbox drivers that this version has, lowest level first.

    Args:
        owner: Labels what they make at a container engine.
        environ: ``ORKET_SANDBOX_CGROUP`` in it names a folder in which control groups may be made; without
            it one is looked for that was handed over to this process, ``none`` is for having none.
            ``ORKET_SANDBOX_IMAGE`` an image for containers, instead of the system's programs.
    """
    given = environ or {}
    groups = _groups(given.get(CGROUP, "" if environ is not None else NO_CGROUP))
    return (
        Rung("process", 0, partial(_process, groups)),
        Rung("landlock", 1, partial(_landlock, groups)),
        Rung("bubblewrap", 2, partial(_bubblewrap, groups)),
        Rung("compose", 3, partial(_compose, owner, given.get(IMAGE, ""))),
    )


async def probe_sandboxes(environ: Mapping[str, str] | None = None) -> tuple[ProbeReport, ...]:
    """Try every sandbox driver of this machine by really running something in it."""
    return tuple([await driver.probe() for driver in ladder(environ=environ)])


def _groups(folder: str) -> MemoryGroups | None:
    if folder == NO_CGROUP:
        return None
    return MemoryGroups(folder) if folder else find_groups()


def _process(groups: MemoryGroups | None) -> SandboxDriver:
    from orket.infrastructure.sandboxes.process import ProcessDriver

    return ProcessDriver(groups=groups)


def _landlock(groups: MemoryGroups | None) -> SandboxDriver:
    from orket.infrastructure.sandboxes.landlock import LandlockDriver

    return LandlockDriver(groups=groups)


def _bubblewrap(groups: MemoryGroups | None) -> SandboxDriver:
    from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver

    return BubblewrapDriver(groups=groups)


def _compose(owner: str, image: str) -> SandboxDriver:
    from orket.infrastructure.sandboxes.compose import ComposeDriver

    return ComposeDriver(owner=owner, image=image)
