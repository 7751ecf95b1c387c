"""An open workspace whose commands run in containers."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import anyio
import anyio.to_thread
import attrs

from orket.domain.errors import SandboxError
from orket.domain.projects import SANDBOX_LABEL
from orket.domain.sandboxes import Command, CommandEnd, CommandResult, Terms
from orket.infrastructure.sandboxes.container import Contained, Container, Place
from orket.infrastructure.sandboxes.container_root import profile
from orket.infrastructure.sandboxes.engine_api import EngineApi
from orket.infrastructure.sandboxes.guard import Guard
from orket.infrastructure.sandboxes.process import (
    NOT_BEGUN,
    PRIVATE_MARK,
    ProcessSandbox,
    environment_of,
    make_private,
    no_jail,
    remove_private,
)
from orket.infrastructure.sandboxes.rooms import Room

COMMANDS_AT_A_TIME = 8


class ContainerSandbox(ProcessSandbox):
    """Files are accessed as at every level; only commands differ.

    Args:
        root: The open workspace; this takes it over.
        api: The container engine.
        template: What all its commands have in common.
        path: ``PATH`` of the commands.
        scratch: Where the sandbox's private directory is made.
        room: The workspace, made ready; no overlay, for the container engine could not see it.

    Raises:
        OSError: The private directory or the guard cannot be had; ``root`` is closed.
    """

    def __init__(
        self, root: int, api: EngineApi, template: Contained, *, path: str, scratch: str | None, room: Room
    ) -> None:
        super().__init__(root, path=path, scratch=scratch, jail=no_jail, room=room)
        name = secrets.token_hex(8)
        self._api, self._containers = api, set[Container]()
        self._in_doubt = False
        self._template = attrs.evolve(template, labels={**template.labels, SANDBOX_LABEL: name})
        # An engine that makes many containers at once makes none of them sooner.
        self._room = anyio.Semaphore(COMMANDS_AT_A_TIME)
        with ExitStack() as held:
            held.callback(os.close, root)
            self._own = tempfile.mkdtemp(prefix="orket-", dir=scratch)
            held.callback(shutil.rmtree, self._own, ignore_errors=True)
            if not template.profile:  # this engine wants a path
                file = Path(self._own, "seccomp.json")
                file.write_text(profile())
                self._template = attrs.evolve(self._template, profile=str(file))
            self._guard = Guard(root, engine=api.socket, label=f"{SANDBOX_LABEL}={name}", private=self._own)
            held.pop_all()

    @property
    def terms(self) -> Terms:
        """What it really gives: the container engine bounds the memory of a command as a whole."""
        return attrs.evolve(super().terms, memory="cgroup")

    async def run(self, command: Command) -> CommandResult:
        """Run a command to its end; its container is gone when this returns or is cancelled.

        Raises:
            SandboxError: The container engine could not make, start or end it, or somebody wants to talk with
                it, which a container cannot be had for.
        """
        if command.talk is not None:
            raise SandboxError("a program that is talked to while it runs cannot run in a container")
        with ExitStack() as held:
            self._enter(held)
            async with self._room:
                return await self._run(command)
        raise AssertionError("nothing here swallows an exception")

    async def _run(self, command: Command) -> CommandResult:
        private = await anyio.to_thread.run_sync(make_private, command.files, self._own)
        try:
            if self._root < 0:  # closed while the command was waiting or being prepared
                return NOT_BEGUN
            container = Container(self._api, self._contained(command, private))
            self._containers.add(container)
            try:
                return await container.run()
            except SandboxError:
                self._in_doubt = True
                raise
            finally:
                self._containers.discard(container)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(remove_private, private)

    async def close(self) -> None:
        """End everything that runs in it and wait for that; may be called twice."""
        for container in tuple(self._containers):
            try:
                await container.end(CommandEnd.CANCELED)
            except SandboxError:
                self._in_doubt = True
        await super().close()
        await self._guard.dismiss(clean=not self._in_doubt)

    def _contained(self, command: Command, private: str) -> Contained:
        template = self._template
        return attrs.evolve(
            template,
            argv=tuple(one.replace(PRIVATE_MARK, private) for one in command.argv),
            environment=environment_of(private, self._path),
            places=(*template.places, Place(source=private, target=private, writable=True)),
            limits=command.limits,
            stdin=command.stdin,
        )
