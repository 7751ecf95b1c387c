"""``python -m actors.top SOCKET|URL``: a live view of a running actor system."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from actors.top._demo import demo
from actors.top._pull import Gone, Pull, pull_from

EPILOG = "In the view: q quits, s sorts (tree, busiest first), arrows and page keys scroll."


def arguments_of(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m actors.top", description=__doc__, epilog=EPILOG)
    parser.add_argument("place", nargs="?", metavar="SOCKET|URL", help="where the system shows itself")
    parser.add_argument("--demo", action="store_true", help="start a small busy system and look at it")
    parser.add_argument("--once", action="store_true", help="print one view and end; exit 1 if there is none")
    parser.add_argument("--json", action="store_true", help="print one snapshot as JSON and end")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="between two looks (1)")
    given = parser.parse_args(words)
    if bool(given.place) == given.demo:
        parser.error("give a socket's path or a URL, or --demo")
    if not 0.05 <= given.every <= 3600:
        parser.error("--every is 0.05 to 3600 seconds")
    return given


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    given = arguments_of(words)
    if not given.demo:
        return look(given, given.place)
    with (
        tempfile.TemporaryDirectory(prefix="actors-top-") as folder,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(demo(Path(folder, "demo.sock"))) as place,
    ):
        return look(given, str(place))


def look(given: argparse.Namespace, place: str) -> int:
    """Look at the system at ``place`` as the command line says."""
    try:
        pull = pull_from(place)
        if given.json:
            sys.stdout.write(pull().to_json().decode() + "\n")
            return 0
        return show(given, pull, place)
    except (Gone, ValueError) as reason:
        sys.stderr.write(f"actors.top: {reason}\n")
        return 1


def show(given: argparse.Namespace, pull: Pull, place: str) -> int:
    """Draw once, or live when the output is a terminal."""
    try:
        from rich.console import Console
    except ImportError:
        sys.stderr.write("actors.top: the view needs rich: pip install 'orket[top]' (or use --json)\n")
        return 2
    from actors.top._history import History
    from actors.top._screen import watch
    from actors.top._view import Look, Picture

    console = Console()
    if given.once or not console.is_terminal:
        console.print(Picture(pull(), History(), Look()).draw(console.width))
        return 0
    watch(console, pull, place, given.every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
