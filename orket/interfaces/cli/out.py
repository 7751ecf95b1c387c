"""Standard output and standard error, which may be narrow, colourless, or gone."""

from __future__ import annotations

import os
import sys

from rich.console import Console, RenderableType
from rich.text import Text

# A pipe has no width of its own; tables in it are for a file or for grep.
_PIPE_COLUMNS = 120


class Out:
    """Where a command says things: results on standard output, remarks and errors on standard error.

    When the reader of standard output goes away (``| head``), the rest is dropped and ``is_closed`` says so:
    work that was started goes on, what only shows things ends.
    """

    def __init__(self) -> None:
        self.is_closed = False
        self.is_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_COLUMNS
        self.console = _Console(self, width=fixed, highlight=False, markup=False, emoji=False)
        self.remarks = Console(stderr=True, width=fixed, highlight=False, markup=False, emoji=False)

    def line(self, text: str) -> None:
        """Write one line as it is, however long, and let the reader have it at once."""
        if self.is_closed:
            return
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            self.close()

    def show(self, *renderables: RenderableType) -> None:
        """Draw on standard output; text is left unwrapped, so that commands in it can be copied."""
        for one in renderables:
            if not self.is_closed:
                self.console.print(one, soft_wrap=isinstance(one, Text))

    def remark(self, text: str) -> None:
        """Tell a person something that is no result."""
        self.remarks.print(text, soft_wrap=True)

    def close(self) -> None:
        """Drop whatever else is written; the interpreter's last flush included."""
        self.is_closed = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Console(Console):
    """A console that outlives its reader."""

    def __init__(self, out: Out, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # passed through as they are
        self._out = out

    def on_broken_pipe(self) -> None:
        """Drop the rest instead of ending the process."""
        self._out.close()
