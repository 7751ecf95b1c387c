"""The picture in wide and narrow terminals, and the screen when the system goes away."""

from io import StringIO

import pytest
from rich.console import Console

from actors.top._history import History
from actors.top._pull import Gone
from actors.top._records import Snapshot
from actors.top._screen import Screen
from actors.top._view import COLUMNS, WORTH, Look, Picture, fitting, seconds
from tests.actors.top.test_history import line, snapshot

BUSY = snapshot(
    10.0,
    line("bank", kind="Root"),
    line("bank/desk", kind="Desk", current="Withdraw", current_s=12.5, waiting_on=("bank/vault",)),
    line("bank/vault", kind="Vault", mailbox_depth=90, accepted=90, waiting_on=("bank/clock", "bank/desk")),
    line("bank/clock", kind="Clock", restarts=3, dead_letters=2, state="down"),
    system="bank",
    actors_total=3,
    queued=90,
    dead_letters={"poison": 2},
)


def shown(seen: Snapshot, width: int, rows: int | None = None, look: Look | None = None) -> str:
    history = History()
    history.add(seen)
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(Picture(seen, history, look or Look()).draw(width, rows))
    output = console.file
    assert isinstance(output, StringIO)
    return output.getvalue()


def test_a_wide_terminal_shows_everything() -> None:
    text = shown(BUSY, 140)
    assert all(column.title in text for column in COLUMNS)
    assert "bank · pid 1 · 3 actors" in text
    assert "dead letters: poison 2" in text
    assert "90/100" in text
    assert "Withdraw" in text
    assert "12s" in text
    assert "vault → clock" in text
    assert "down" in text


@pytest.mark.parametrize("width", [20, 30, 40, 50, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = shown(BUSY, width)
    assert all(len(one) <= width for one in text.splitlines())
    assert "ACTOR" in text
    assert "desk" in text


def test_the_least_worthy_columns_go_first() -> None:
    assert set(WORTH) == {column.title for column in COLUMNS}
    assert [column.title for column in fitting(50)] == ["ACTOR", "MAIL", "AT", "FOR"]
    assert [column.title for column in fitting(10)] == ["ACTOR"]
    assert [column.title for column in fitting(300)] == [column.title for column in COLUMNS]


def test_a_circle_of_waits_does_not_go_round_for_ever() -> None:
    circle = snapshot(1.0, line("s/a", waiting_on=("s/b",)), line("s/b", waiting_on=("s/a",)))
    assert Picture(circle, History(), Look()).chain(circle.actors[0]) == "b → a"


def test_rows_that_do_not_fit_are_counted() -> None:
    text = shown(BUSY, 100, rows=2, look=Look(first_row=1))
    assert "2-3 of 4" in text
    assert "Root" not in text
    assert "Clock" not in text
    many = snapshot(1.0, line(), actors_total=5000)
    assert "5000 quieter actors are left out" in shown(many, 100)


def test_the_busiest_come_first_on_demand() -> None:
    text = shown(BUSY, 100, look=Look(busiest_first=True))
    assert text.index("vault") < text.index("desk")


def test_names_cannot_command_the_terminal() -> None:
    evil = snapshot(1.0, line("s/\x1b[2Jgone[bold]", kind="A\rB", current="\x07"))
    text = shown(evil, 100)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]" in text


def test_durations_are_short() -> None:
    assert [seconds(one) for one in (0.04, 9.94, 12.3, 599, 601, 86_400)] == [
        "0.0s",
        "9.9s",
        "12s",
        "599s",
        "10m",
        "24h",
    ]


class Source:
    """A system that may go away."""

    def __init__(self) -> None:
        self.there = True

    def __call__(self) -> Snapshot:
        if not self.there:
            raise Gone("nobody listens at bank.sock")
        return BUSY


def drawn(screen: Screen, console: Console) -> str:
    with console.capture() as capture:
        console.print(screen.draw())
    return capture.get()


def test_a_system_that_goes_away_is_said_plainly_and_its_return_too() -> None:
    source, console = Source(), Console(width=100, height=20, color_system=None)
    screen = Screen(console, source, "bank.sock")
    screen.pull()
    assert "not there" not in drawn(screen, console)
    source.there = False
    screen.pull()
    text = drawn(screen, console)
    assert "The system is not there: nobody listens at bank.sock" in text
    assert "desk" in text
    source.there = True
    screen.pull()
    assert "not there" not in drawn(screen, console)


def test_keys_quit_sort_and_scroll() -> None:
    console = Console(width=100, height=8, color_system=None)
    screen = Screen(console, Source(), "bank.sock")
    screen.pull()
    assert screen.press("down")
    assert screen.press("j")
    assert "3-4 of 4" in drawn(screen, console)
    for _ in range(9):
        assert screen.press("page down")
    assert "4-4 of 4" in drawn(screen, console)
    assert screen.press("s")
    assert "1-2 of 4" in drawn(screen, console)
    assert not screen.press("q")
