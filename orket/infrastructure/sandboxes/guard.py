"""The engine's handle of a guard: started with a sandbox of containers, let go with it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, suppress

import anyio

from orket.infrastructure.sandboxes.claims import claim
from orket.infrastructure.sandboxes.guarding import DONE
from orket.infrastructure.sandboxes.warm import ROOT

BARE = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from orket.infrastructure.sandboxes.guarding import guard; guard(int(sys.argv[2]), *sys.argv[3:])"
)
END_S = 60.0


class Guard:
    """The process; see ``guarding``.

    Args:
        workspace: The open workspace, which it claims for as long as it lives.
        engine: Path of the container engine's socket.
        label: ``key=value``, which all containers of the sandbox carry.
        private: The sandbox's private directory.

    Raises:
        OSError: It could not be started.
    """

    def __init__(self, workspace: int, *, engine: str, label: str, private: str) -> None:
        with ExitStack() as theirs:
            control, self._control = os.pipe()
            theirs.callback(os.close, control)
            claimed = claim(workspace)
            theirs.callback(os.close, claimed)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", BARE, ROOT, str(control), engine, label, private],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"LANG": "C.UTF-8"},
                pass_fds=(control, claimed),
                start_new_session=True,
            )

    async def dismiss(self, *, clean: bool) -> None:
        """Let go of it, and wait for its end; may be called twice.

        ``clean`` says that nothing is left but the directory, so that it need not look.
        """
        if self._control < 0:
            return
        with suppress(OSError):
            if clean:
                os.write(self._control, DONE)
        os.close(self._control)
        self._control = -1
        handle = os.pidfd_open(self._process.pid)
        try:
            with anyio.CancelScope(shield=True), anyio.move_on_after(END_S) as patience:
                await anyio.wait_readable(handle)
            if patience.cancelled_caught:
                self._process.kill()
        finally:
            os.close(handle)
        self._process.wait()
