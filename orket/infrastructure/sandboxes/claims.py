"""Claims on a workspace: a launcher that outlives its engine for a moment makes the next engine wait.

A launcher whose engine was killed ends its command, but a busy machine may let the command act once more
before that. Whoever looks at the world meanwhile, to find out what the dead engine's calls have done, would
be told too soon. So each launcher holds a shared lock on the workspace's directory for as long as it lives,
and a workspace is opened only when no launcher holds one. The system drops the lock with its holder.
"""

from __future__ import annotations

import errno
import fcntl
import os

import anyio

WAIT_S = 15.0
LOOK_S = 0.005


def claim(workspace: int) -> int:
    """Open the directory ``workspace`` once more, locked as by a launcher; the descriptor holds the lock.

    Raises:
        OSError: It cannot be opened, or somebody else locks it for himself.
    """
    own = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=workspace)
    try:
        fcntl.flock(own, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(own)
        raise
    return own


async def unclaimed(workspace: int) -> bool:
    """Wait until no launcher works in the directory ``workspace``; False when one still does in the end."""
    with anyio.move_on_after(WAIT_S):
        while not _is_free(workspace):  # noqa: ASYNC110  # no event tells of another process's lock
            await anyio.sleep(LOOK_S)
        return True
    return False


def _is_free(workspace: int) -> bool:
    own = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=workspace)
    try:
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            return False
        return error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)  # no such locks here
    finally:
        os.close(own)
    return True
