"""``orket run`` and ``orket demo``: work goes in, and is followed to its end."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio

from orket.domain.budgets import Budget
from orket.domain.identifiers import CardId
from orket.interfaces.cli.bounds import read_budget
from orket.interfaces.cli.engines import is_near, is_served
from orket.interfaces.cli.exits import BadInput
from orket.interfaces.cli.options import HERE, Json, Pieces, Where
from orket.orchestration.messages import StartRun
from orket.settings import Settings

_PARALLEL_MAX = 64


def run(
    target: str,
    /,
    *,
    only: str | None = None,
    workspace: Path | None = None,
    project: Path | None = None,
    services: str = "",
    model: str | None = None,
    record: Path | None = None,
    parallel: int | None = None,
    budget: str | None = None,
    model_dir: Path | None = None,
    watch: Pieces = False,
    as_json: Json = False,
    where: Where = HERE,
) -> int:
    """Run a rock, an epic or a single issue, and follow it to its end.

    Exit code: 0 all cards done, 1 something is blocked, failed, canceled or waits for a person, 2 bad input,
    130 after Ctrl-C, which pauses the run.

    Args:
        target: Path of a card file, or the name of a rock, an epic or an issue.
        only: Work on this issue alone.
        workspace: Directory the run works in; made when missing [default: one of its own].
        project: Folder it works on a view of, in a workspace of its own; see orket diff and orket workspace.
        services: Project sandbox whose services its commands reach, and whose lease it holds meanwhile.
        model: Model to use instead of the environment's; scripted:FILE answers from a file.
        record: Write the model's replies to this file, for the scripted model.
        parallel: How many cards are worked on at a time.
        budget: What it may spend, such as turns=40,tokens=9000; also tool_calls, wall_s, output_bytes, cost.
            At a bound the run pauses.
        model_dir: Directory of roles, teams, dialects, environments; $ORKET_MODEL_DIR, else model.
        watch: Show what the models are writing, while they write it.
        as_json: Print one event a line, and nothing else, on standard output.
    """
    settings = where.settings(model_dir=model_dir, model=model, record=record)
    elsewhere = _served_elsewhere(settings, model_dir=model_dir, record=record)
    near = is_near(settings)
    command = StartRun(
        target=_absolute(target, settings.cwd) if elsewhere and near else target,
        only=None if only is None else CardId(only),
        workspace=_folder(workspace, settings.cwd if near else Path()),
        project=_folder(project, settings.cwd if near else Path()),
        services=services,
        model=_model(model or "", settings.cwd) if elsewhere and near else model or "",
        parallel=_parallel(parallel, model or ""),
        budget=Budget() if budget is None else read_budget(budget),
    )
    return anyio.run(where.session(settings, as_json=as_json, pieces=watch).drive, command)


def _served_elsewhere(settings: Settings, *, model_dir: Path | None, record: Path | None) -> bool:
    """Whether another process will run it, from its own directory; then it also has its own adapters."""
    if not is_served(settings):
        return False
    for option, given in (("--model-dir", model_dir), ("--record", record)):
        if given is not None:
            raise BadInput(
                f"{option} belongs to the process that runs the engine, and another one does, "
                f"on {settings.url or settings.data_dir}; leave it out, or use another --data-dir"
            )
    return True


def _folder(given: Path | None, cwd: Path) -> str:
    return "" if given is None else str(cwd / given)


def _absolute(target: str, cwd: Path) -> str:
    return str(cwd / target) if (cwd / target).exists() else target


def _model(model: str, cwd: Path) -> str:
    kind, colon, path = model.partition(":")
    return f"{kind}:{cwd / path}" if kind == "scripted" and colon else model


def demo(
    *,
    model: str | None = None,
    only: str | None = None,
    parallel: int | None = None,
    workspace: Path | None = None,
    watch: Pieces = False,
    as_json: Json = False,
) -> int:
    """Run the shipped demo epic, in a new data directory: no network, no model, nothing to set up.

    It has a dependency diamond, a call that is denied, a command that fails and is tried again, and
    verifications that execute the code the run wrote.

    Args:
        model: A real model to do the work, such as local:qwen2.5-coder-1.5b.
        only: Work on this issue alone.
        parallel: How many cards are worked on at a time.
        workspace: Directory the demo works in [default: a new one, which is kept].
        watch: Show what the model is writing, while it writes it.
        as_json: Print one event a line, and nothing else, on standard output.
    """
    from orket.bootstrap import demo_target

    kept = Path(tempfile.mkdtemp(prefix="orket-demo-"))
    where = Where(data_dir=kept / "data")
    settings = where.settings()
    chosen = kept / "workspace" if workspace is None else settings.cwd / workspace
    session = where.session(settings, as_json=as_json, pieces=watch)
    session.out.remark(f"demo: workspace {chosen}, data {where.data_dir}; both are kept")
    command = StartRun(
        target=str(demo_target()),
        only=None if only is None else CardId(only),
        workspace=str(chosen),
        model=model or "",
        parallel=_parallel(parallel, model or ""),
    )
    return anyio.run(session.drive, command)


def _parallel(asked: int | None, model: str) -> int | None:
    """A model on this machine answers one question at a time; others would only wait, and time out."""
    if asked is not None and not 1 <= asked <= _PARALLEL_MAX:
        raise BadInput(f"--parallel {asked}: must be from 1 to {_PARALLEL_MAX}")
    return 1 if asked is None and model.startswith("local:") else asked
