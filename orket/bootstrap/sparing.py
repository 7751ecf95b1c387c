"""Memory that an engine does not need."""

from __future__ import annotations

import linecache
import re

_GENERATED = re.compile(r"<attrs generated \w+ (orket|actors)\.")


def forget_generated_sources() -> None:
    """Drop the sources of methods that attrs has generated for our classes, 1.3 MB of them.

    attrs keeps them so that a debugger and a traceback can show a line of theirs. A traceback still names
    the class and the line; the line itself says what the class's fields do. Other packages' are left alone.
    """
    for name in [one for one in linecache.cache if _GENERATED.match(one)]:
        linecache.cache.pop(name, None)
