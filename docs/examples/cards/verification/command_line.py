"""Verifies LED-4: runs the program on a journal of its own and looks at what the last command shows."""

import subprocess
import sys
import tempfile
from pathlib import Path


def verify(given: dict[str, list[list[str]]]) -> list[str]:
    """Run the commands one after the other; return the last one's lines with single spaces."""
    shown = ""
    with tempfile.TemporaryDirectory() as folder:
        book = str(Path(folder, "book.journal"))
        for words in given["commands"]:
            command = [sys.executable, "-m", "src.controllers.ledger", book, *words]
            shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout
    return [" ".join(line.split()) for line in shown.splitlines()]
