"""A project, a copy that was worked in, and the way back: the law, and each way it can be hindered."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orket.domain.errors import RunConflict, SandboxUnavailable
from orket.domain.workspaces import Isolation, Place, WorkspaceLevel
from orket.infrastructure.workspaces.opening import begin, settle
from orket.infrastructure.workspaces.port import FileWorkspaces
from orket.infrastructure.workspaces.state import load_base, state_of

# ruff: noqa: ASYNC221, ASYNC240  # short file calls; the loop may wait for them
pytestmark = pytest.mark.anyio
FILES = FileWorkspaces()

NAMES = st.sampled_from(["a", "b", "d", "d/x", "d/y", "d/e/z", "caf\udce9"])
ACTS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.binary(max_size=3)),
    st.tuples(st.just("link"), NAMES, st.just(b"a")),
    st.tuples(st.just("mode"), NAMES, st.just(b"")),
    st.tuples(st.just("remove"), NAMES, st.just(b"")),
    st.tuples(st.just("folder"), NAMES, st.just(b"")),
)


def act(root: Path, what: str, name: str, content: bytes) -> None:
    """Do something in a tree, whatever stands in the way."""
    path = root / name
    for above in reversed(path.relative_to(root).parents[:-1]):
        if (root / above).is_symlink() or not (root / above).is_dir():
            (root / above).unlink(missing_ok=True)
            (root / above).mkdir()
    if what == "mode":
        if path.exists() and not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o700)
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if what == "write":
        path.write_bytes(content)
    elif what == "link":
        path.symlink_to(content.decode())
    elif what == "folder":
        path.mkdir()


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    """All there is of a tree."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            found[str(path.relative_to(root))] = ("link", os.readlink(path))
        elif path.is_dir():
            found[str(path.relative_to(root))] = ("folder", mode)
        else:
            found[str(path.relative_to(root))] = ("file", mode, path.read_bytes())
    return found


def copied(root: Path) -> Place:
    """Begin a workspace that is a copy of ``root/project``."""
    isolation = Isolation(project=str(root / "project"))
    workspace = str(root / "work")
    settle(workspace, begin(workspace, isolation), overlaid=False)
    return Place(workspace=workspace, isolation=isolation)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(ACTS, max_size=5), work=st.lists(ACTS, min_size=1, max_size=6))
@example(before=[("link", "a", b"a"), ("write", "d/x", b"")], work=[("link", "d", b"a")])
@example(before=[("write", "e/x", b""), ("write", "d/x", b"")], work=[("link", "d", b"e")])
async def test_applied_it_is_like_the_workspace_and_taken_back_like_before(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[tuple[str, str, bytes]],
    work: list[tuple[str, str, bytes]],
) -> None:
    root = tmp_path_factory.mktemp("law")
    (root / "project").mkdir()
    for one in before:
        act(root / "project", *one)
    place, found = copied(root), tree(root / "project")
    assert (await FILES.changes(place)).changes == ()
    for one in work:
        act(root / "work", *one)
    wanted = tree(root / "work")
    changes = (await FILES.changes(place)).changes
    assert {one.path for one in changes} == {
        path for path in found.keys() | wanted.keys() if found.get(path) != wanted.get(path)
    }
    plan = await FILES.plan(place, 1)
    await FILES.apply(place, 1, plan.name)
    assert tree(root / "project") == wanted
    assert (await FILES.changes(place)).changes == ()
    await FILES.apply(place, 1, plan.name)  # once more changes nothing
    assert tree(root / "project") == wanted
    assert await FILES.hindrances(place, 1, plan.name) == ()
    await FILES.take_back(place, 1, plan.name)
    assert tree(root / "project") == found
    await FILES.take_back(place, 1, plan.name)
    assert tree(root / "project") == found
    assert (await FILES.changes(place)).changes == changes
    assert not (await FILES.changes(place)).clashes


@pytest.fixture
def place(tmp_path: Path) -> Place:
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    for name in ("one", "two", "three", "sub/four"):
        (project / name).write_text(name)
    return copied(tmp_path)


async def worked(place: Place) -> None:
    work = Path(place.workspace)
    (work / "one").write_text("1\n")
    (work / "two").unlink()
    (work / "sub/five").write_text("5")
    (work / "three").chmod(0o755)


async def test_a_copy_is_noted_with_its_level(place: Place) -> None:
    base = load_base(state_of(place.workspace))
    assert base is not None
    assert base.level in (WorkspaceLevel.COPY, WorkspaceLevel.REFLINK)


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        ("echo other > one", "one (it was changed"),
        ("rm one", "one (it was removed"),
        ("echo mine > sub/five", "sub/five (something was put there"),
        ("chmod 700 three", "three (it was changed"),
        ("rm -r sub; echo x > sub", "sub/five (something was put there|sub (it was changed"),
    ],
)
async def test_a_project_that_was_changed_at_the_same_path_is_left_alone(
    place: Place, meanwhile: str, told: str
) -> None:
    await worked(place)
    subprocess.run(["sh", "-c", meanwhile], cwd=place.isolation.project, check=True)
    left = tree(Path(place.isolation.project))
    with pytest.raises(RunConflict) as caught:
        await FILES.plan(place, 1)
    assert any(one in caught.value.detail for one in told.split("|"))
    assert tree(Path(place.isolation.project)) == left


async def test_a_change_elsewhere_hinders_nothing_and_stays(place: Place) -> None:
    await worked(place)
    project = Path(place.isolation.project)
    (project / "sub/four").write_text("mine")
    (project / "new").write_text("mine too")
    await FILES.apply(place, 1, (await FILES.plan(place, 1)).name)
    assert (project / "sub/four").read_text() == "mine"
    assert (project / "new").read_text() == "mine too"
    assert (project / "one").read_text() == "1\n"
    assert not (project / "two").exists()


async def test_the_same_change_made_by_hand_is_no_clash(place: Place) -> None:
    await worked(place)
    project = Path(place.isolation.project)
    (project / "one").write_text("1\n")
    (project / "two").unlink()
    plan = await FILES.plan(place, 1)
    assert {one.path for one in plan.changes} == {"sub/five", "three"}


async def test_what_was_changed_since_it_was_applied_is_named(place: Place) -> None:
    await worked(place)
    plan = await FILES.plan(place, 1)
    await FILES.apply(place, 1, plan.name)
    Path(place.isolation.project, "one").write_text("mine")
    assert await FILES.hindrances(place, 1, plan.name) == ("one",)
    with pytest.raises(RunConflict, match="one: changed"):
        await FILES.take_back(place, 1, plan.name)
    assert Path(place.isolation.project, "one").read_text() == "mine"


async def test_pipes_and_repository_records_are_named_and_not_applied(place: Place) -> None:
    os.mkfifo(Path(place.workspace, "pipe"))
    hook = Path(place.workspace, ".git/hooks")
    hook.mkdir(parents=True)
    (hook / "post-commit").write_text("#!/bin/sh\n")
    with pytest.raises(RunConflict) as caught:
        await FILES.plan(place, 1)
    assert "pipe (it is neither" in caught.value.detail
    assert ".git/hooks/post-commit (a repository" in caught.value.detail


async def test_a_link_in_the_way_is_not_followed(place: Place, tmp_path: Path) -> None:
    """The folder becomes a link to elsewhere between the plan and its execution."""
    await worked(place)
    plan = await FILES.plan(place, 1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sub = Path(place.isolation.project, "sub")
    shutil.rmtree(sub)
    sub.symlink_to(elsewhere)
    with pytest.raises(RunConflict, match="sub"):
        await FILES.apply(place, 1, plan.name)
    assert list(elsewhere.iterdir()) == []


async def test_a_plan_that_is_not_the_recorded_one_is_not_carried_out(place: Place) -> None:
    await worked(place)
    plan = await FILES.plan(place, 1)
    file = Path(state_of(place.workspace), "undo/1/plan.jsonl")
    file.write_bytes(file.read_bytes().replace(b"sub/five", b"sub/six!"))
    with pytest.raises(RunConflict, match="not the plan"):
        await FILES.apply(place, 1, plan.name)
    file.unlink()
    with pytest.raises(RunConflict, match="missing"):
        await FILES.apply(place, 1, plan.name)


async def test_a_workspace_that_changes_after_the_plan_is_noticed(place: Place) -> None:
    await worked(place)
    plan = await FILES.plan(place, 1)
    Path(place.workspace, "one").write_text("something else")
    with pytest.raises(RunConflict, match="one: changed in the run's workspace"):
        await FILES.apply(place, 1, plan.name)
    assert Path(place.isolation.project, "one").read_text() == "one"


KILLED = """
import os, sys
from orket.domain.workspaces import decode_plan
from orket.infrastructure.workspaces.applying import apply_changes
left, real = int(sys.argv[1]), os.replace
def replace(*given, **named):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    return real(*given, **named)
os.replace = replace
undo = sys.argv[4]
apply_changes(decode_plan(open(undo + "/plan.jsonl", "rb").read()), sys.argv[2], sys.argv[3], undo)
"""


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("then", ["apply", "take_back"])
async def test_killed_in_the_middle_it_can_be_finished_or_taken_back(
    place: Place, after: int, then: str
) -> None:
    found = tree(Path(place.isolation.project))
    await worked(place)
    plan = await FILES.plan(place, 1)
    undo = f"{state_of(place.workspace)}/undo/1"
    words = (sys.executable, "-c", KILLED, str(after), place.isolation.project, place.workspace, undo)
    assert subprocess.run(words, check=False).returncode == -9
    if then == "apply":
        await FILES.apply(place, 1, plan.name)
        wanted = tree(Path(place.workspace))
    else:
        await FILES.take_back(place, 1, plan.name)
        wanted = found
    assert tree(Path(place.isolation.project)) == wanted


async def test_what_is_replaced_is_kept_as_a_copy_where_names_cannot_be_shared(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "another file system")

    found = tree(Path(place.isolation.project))
    await worked(place)
    plan = await FILES.plan(place, 1)
    monkeypatch.setattr(os, "link", refuse)
    await FILES.apply(place, 1, plan.name)
    await FILES.take_back(place, 1, plan.name)
    assert tree(Path(place.isolation.project)) == found


async def test_a_workspace_of_the_runs_own_is_compared_with_any_folder(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/made").write_text("x")
    (tmp_path / "into").mkdir()
    alone = Place(workspace=str(tmp_path / "work"), isolation=Isolation(project=""), is_whole=True)
    assert [one.word for one in (await FILES.changes(alone)).changes] == ["added"]
    place = Place(
        workspace=str(tmp_path / "work"), isolation=Isolation(project=str(tmp_path / "into")), is_whole=True
    )
    plan = await FILES.plan(place, 1)
    await FILES.apply(place, 1, plan.name)
    assert (tmp_path / "into/made").read_text() == "x"
    await FILES.take_back(place, 1, plan.name)
    assert not (tmp_path / "into/made").exists()
    (tmp_path / "into/made").write_text("mine")
    with pytest.raises(RunConflict, match="put there"):
        await FILES.plan(place, 2)


async def test_discarding_leaves_nothing_but_what_a_rollback_needs(place: Place) -> None:
    await worked(place)
    plan = await FILES.plan(place, 1)
    await FILES.apply(place, 1, plan.name)
    Path(place.workspace, "sub").chmod(0)
    await FILES.discard(place)
    await FILES.discard(place)
    assert not Path(place.workspace).exists()
    with pytest.raises(RunConflict, match="discarded"):
        await FILES.changes(place)
    await FILES.take_back(place, 1, plan.name)
    assert Path(place.isolation.project, "two").read_text() == "two"


async def test_a_project_that_is_gone_or_a_full_workspace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="cannot be read"):
        begin(str(tmp_path / "work"), Isolation(project=str(tmp_path / "nothing")))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("x")
    with pytest.raises(SandboxUnavailable, match="not empty"):
        begin(str(tmp_path / "other"), Isolation(project=str(tmp_path)))
