"""What is said at the end of a run."""

from __future__ import annotations

from orket.interfaces.cli.files import workspace_files
from orket.interfaces.cli.summary import File, Files, summary
from tests.orket.cli import recorded as r
from tests.orket.cli.drawn import drawn, watched


def told(events, *files: File, data_dir: str = "") -> str:
    watch = watched(events)
    found = Files(workspace="/tmp/ledger", files=files)
    return drawn(*summary(watch.state, watch.worked_s, files=found, data_dir=data_dir))


def test_a_run_that_is_done():
    assert told([*r.beginning(), *r.ending()], File("ledger/parse.py", 2300), File("notes", 7)) == (
        "run 3f9a12cd  done  sandbox process (level 1)\n"
        "EPIC-LED Ledger CLI           ✔ done\n"
        "├─ LED-1 Parse journal lines  ✔ done  guard  turn 2\n"
        "├─ LED-2 Print balances       ✔ done  guard  turn 3  verified 2/2\n"
        "├─ LED-3 Print the journal    ✔ done  guard  turn 2\n"
        "└─ LED-4 Join the commands    ✔ done  guard  turn 2\n"
        "9 turns · 10 calls · 3,690 tokens in, 513 out · 17.5 s\n"
        "\n"
        "Denied\n"
        "  LED-2 write_file secrets/key.txt: policy: deny write_file secrets/*: secrets stay out\n"
        "\n"
        "Failed or tried again\n"
        "  LED-2 run_command python -m ledger balances failed, exit_nonzero; ok in turn 2\n"
        "  LED-2 turn 1 was tried again: The command failed.\n"
        "\n"
        "Verification\n"
        "  LED-2 S1 passed\n"
        "  LED-2 S2 passed\n"
        "\n"
        "Files in /tmp/ledger\n"
        "  ledger/parse.py  2.2 KiB\n"
        "  notes            7 B\n"
        "\n"
        "What next\n"
        "  orket ledger show 3f9a12cd"
    )


def test_a_run_that_waits_names_the_exact_commands():
    assert told(r.waiting(), data_dir="/tmp/x y").endswith(
        "\n"
        "Stuck\n"
        "  LED-3 blocked, input: which bank?\n"
        "\n"
        "Waits for a person\n"
        "  LED-1 run_command make publish: it leaves the machine\n"
        '    arguments: {"argv": ["make", "publish"]}\n'
        "    orket decide 3f9a12cd/LED-1/1/0 --as approve --data-dir '/tmp/x y'\n"
        "    orket decide 3f9a12cd/LED-1/1/0 --as deny --data-dir '/tmp/x y'\n"
        "  LED-2 run_command make mail: the engine stopped while it ran\n"
        '    arguments: {"argv": ["make", "mail"]}\n'
        "    orket decide 3f9a12cd/LED-2/1/0 --as happened --data-dir '/tmp/x y'\n"
        "    orket decide 3f9a12cd/LED-2/1/0 --as did_not_happen --data-dir '/tmp/x y'\n"
        "\n"
        "What next\n"
        "  orket why-blocked 3f9a12cd --data-dir '/tmp/x y'\n"
        "  orket ledger show 3f9a12cd --data-dir '/tmp/x y'"
    )


def test_a_run_that_can_go_on_says_how():
    assert "  orket resume 3f9a12cd\n" in told(r.beginning())


def test_a_run_whose_engine_is_at_it_need_not_be_resumed():
    watch = watched(r.beginning())
    found = Files(workspace="", files=())
    told = drawn(*summary(watch.state, watch.worked_s, files=found, data_dir="", has_engine=True))
    assert told.splitlines()[-3:] == [
        "  orket events 3f9a12cd --follow",
        "  orket pause 3f9a12cd",
        "  orket ledger show 3f9a12cd",
    ]


def test_long_lists_are_cut():
    files = tuple(File(f"file{number:03}", 1) for number in range(50))
    assert "  … and 30 more" in told(r.beginning(), *files)


def test_the_files_of_a_workspace(tmp_path):
    (tmp_path / "ledger" / "__pycache__").mkdir(parents=True)
    (tmp_path / "ledger" / "__pycache__" / "parse.pyc").write_bytes(b"x")
    (tmp_path / "ledger" / "parse.py").write_text("pass\n")
    (tmp_path / "broken").symlink_to("nowhere")
    found = workspace_files(str(tmp_path))
    assert [one.path for one in found.files] == ["broken", "ledger/parse.py"]
    assert not found.more


def test_a_workspace_that_is_not_there_has_no_files(tmp_path):
    assert workspace_files(str(tmp_path / "gone")).files == ()
