"""What a run looks like on a terminal, at fixed widths."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from orket.domain.cards import CardStatus
from orket.domain.runs import RunStatus
from orket.interfaces.cli import view
from orket.interfaces.cli.rows import tree
from tests.orket.cli import recorded as r
from tests.orket.cli.drawn import drawn, watched

READY, BUSY, REVIEW = CardStatus.READY, CardStatus.IN_PROGRESS, CardStatus.CODE_REVIEW


def live(watch, *, height=24, width=100, note=""):
    return drawn(view.live(watch.state, watch.worked_s, height=height, note=note), width=width)


def test_a_run_under_way():
    assert live(watched(r.beginning())) == (
        "run 3f9a12cd  running  sandbox process (level 1)\n"
        "EPIC-LED Ledger CLI           ● in_progress\n"
        "├─ LED-1 Parse journal lines  ✔ done         guard    turn 2\n"
        "├─ LED-2 Print balances       ● in_progress  builder  turn 1  running: run_command python -m ledg…\n"
        "├─ LED-3 Print the journal    ● in_progress  builder  turn 1  asking the model\n"
        "└─ LED-4 Join the commands    ○ ready        builder\n"
        "4 turns · 4 calls · 1,230 tokens in, 171 out · 7.0 s"
    )


def test_a_narrow_terminal_loses_columns_and_no_cards():
    watch = watched(r.beginning())
    assert live(watch, width=60) == (
        "run 3f9a12cd  running  sandbox process (level 1)\n"
        "EPIC-LED Ledger CLI         ● in_progress\n"
        "├─ LED-1 Parse journal li…  ✔ done\n"
        "├─ LED-2 Print balances     ● in_progress  running: run_c…\n"
        "├─ LED-3 Print the journal  ● in_progress  asking the mod…\n"
        "└─ LED-4 Join the commands  ○ ready\n"
        "4 turns · 4 calls · 1,230 tokens in, 171 out · 7.0 s"
    )
    assert live(watch, width=40) == (
        "run 3f9a12cd  running  sandbox process …\n"
        "EPIC-LED Ledger CLI      ● in_progress\n"
        "├─ LED-1 Parse journal…  ✔ done\n"
        "├─ LED-2 Print balances  ● in_progress\n"
        "├─ LED-3 Print the jou…  ● in_progress\n"
        "└─ LED-4 Join the comm…  ○ ready\n"
        "4 turns · 4 calls · 1,230 tokens in, 17…"
    )


def test_many_cards_on_a_low_terminal_show_what_moves_and_sum_up_the_rest():
    many = tuple(r.issue(f"I-{number}", f"Number {number}") for number in range(100))
    moves = [r.moved(f"I-{number}", READY, BUSY, by="system") for number in (40, 41, 42)]
    moves.append(r.moved("I-41", BUSY, REVIEW, by="builder"))
    watch = watched([*r.accepted(many, rock=r.ROCK), *moves])
    assert live(watch, height=12, note="pausing …") == (
        "run 3f9a12cd  running  sandbox process (level 1)\n"
        "ROCK-BK Bookkeeping     ○ ready\n"
        "└─ EPIC-LED Ledger CLI  ● in_progress\n"
        "   ├─ I-0 Number 0      ○ ready        builder\n"
        "   ├─ I-1 Number 1      ○ ready        builder\n"
        "   ├─ I-40 Number 40    ● in_progress  builder\n"
        "   ├─ I-41 Number 41    ◆ code_review  builder\n"
        "   ├─ I-42 Number 42    ● in_progress  builder\n"
        "   └─ … 95 ready\n"
        "0 turns · 0 calls · 0 tokens in, 0 out · 27.0 s\n"
        "pausing …"
    )


def test_calls_that_wait_for_a_person_and_stuck_cards_say_so():
    told = live(watched(r.waiting()))
    assert "run 3f9a12cd  waiting for approval" in told
    assert "asks a person: run_command make pub" in told
    assert "in doubt: run_command make mail" in told
    assert "✖ blocked      builder          input: which bank?" in told


def test_a_run_before_its_first_event_can_be_drawn():
    assert live(watched([])) == "run 3f9a12cd  running\n0 turns · 0 calls · 0 tokens in, 0 out · 0.0 s"


def test_a_paused_run_does_not_claim_to_ask_the_model():
    watch = watched(r.beginning())
    watch.state.status = RunStatus.PAUSED
    assert "asking the model" not in live(watch)


def test_foreign_text_cannot_steer_the_terminal():
    card = attrs.evolve(r.ISSUES[0], name="\x1b[2Jgone\r\n[bold]x[/bold]")
    told = live(watched(r.accepted((card,))))
    assert "[2Jgone [bold]x[/bold]" in told
    assert "\x1b" not in told


@settings(max_examples=60, deadline=None)
@given(height=st.integers(4, 40), width=st.integers(12, 200), issues=st.integers(0, 60))
def test_it_never_grows_beyond_the_terminal(height: int, width: int, issues: int):
    cards = tuple(r.issue(f"I-{number}", f"Number {number}") for number in range(issues))
    told = live(watched(r.accepted(cards)), height=height, width=width).splitlines()
    assert len(told) <= max(height, 6)  # below six lines there is no room for even one issue
    assert all(len(line) <= width for line in told)


@given(issues=st.integers(0, 60), most=st.integers(1, 60))
def test_every_issue_is_shown_or_counted(issues: int, most: int):
    cards = tuple(r.issue(f"I-{number}", f"Number {number}") for number in range(issues))
    rows = tree(watched(r.accepted(cards)).state, issues_max=most)
    shown = sum(1 for row in rows if row.card is not None) - 1
    counted = sum(int(row.label.split()[1]) for row in rows if row.card is None)
    assert shown + counted == issues
