"""Unix socket paths that fit into an address, however deep the directory lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from orket.settings import SOCKET_PATH_BYTES_MAX


@contextmanager
def fitting(path: Path) -> Iterator[str]:
    """Spell ``path`` so that it fits into a socket address, while the block runs.

    The limit is on the spelling, not on the place, so a short link to the directory is enough.
    """
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        yield str(path)
        return
    with TemporaryDirectory(prefix="orket-") as folder:
        link = Path(folder, "d")
        link.symlink_to(path.parent.absolute(), target_is_directory=True)
        yield str(link / path.name)
