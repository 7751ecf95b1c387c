"""Drawing for golden texts: a fixed width, no colours, no trailing blanks."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text

from orket.domain.events import Event
from orket.interfaces.cli.watch import Watch
from tests.orket.cli.recorded import RUN, recorded


def watched(events: Iterable[Event]) -> Watch:
    watch = Watch.of(RUN)
    for one in recorded(events):
        watch.apply(one)
    return watch


def drawn(*renderables: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, record=True, color_system=None, highlight=False)
    for one in renderables:
        console.print(one, soft_wrap=isinstance(one, Text))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines())
