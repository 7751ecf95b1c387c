"""The garbage collector of a process that is ours alone: it looks less often, and not at what is for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (10_000, 20, 50)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Run the block with the collector told so; it is as before afterwards.

    A turn makes hundreds of short-lived values, hardly ever in circles: with the defaults a tenth of its time
    goes into looking for some. Only a program may decide this, so ``open_orket`` does not.
    """
    before = gc.get_threshold()
    gc.freeze()  # modules and classes stay to the end
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
