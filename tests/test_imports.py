"""Folder order is import order: the contracts of ``.importlinter`` hold, and each of them can fail."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Which outside packages a folder may import, besides the standard library.
OUTSIDE: dict[str, frozenset[str]] = {
    "actors": frozenset({"anyio", "attrs"}),
    "actors/testing": frozenset({"anyio", "attrs", "hypothesis", "pytest", "trio"}),
    "actors/top": frozenset({"anyio", "attrs", "rich"}),
    "orket": frozenset({"anyio", "attrs"}),
    "orket/domain": frozenset({"attrs"}),
    "orket/decision_nodes": frozenset({"attrs"}),
    "orket/services": frozenset({"anyio", "attrs", "msgspec"}),
    "orket/services/vision": frozenset({"PIL"}),
    "orket/orchestration": frozenset({"anyio", "attrs", "msgspec"}),
    "orket/infrastructure": frozenset({"anyio", "attrs", "msgspec", "httpx2"}),
    "orket/infrastructure/vision": frozenset({"anyio", "attrs", "msgspec", "diffusers", "torch"}),
    "orket/infrastructure/mcp": frozenset(
        {"anyio", "attrs", "msgspec", "httpx2", "jsonschema", "mcp", "mcp_types", "referencing"}
    ),
    "orket/wire": frozenset({"attrs", "msgspec"}),
    "orket/client": frozenset({"anyio", "attrs", "msgspec", "httpx2"}),
    "orket/interfaces": frozenset({"anyio", "attrs", "msgspec", "starlette", "uvicorn"}),
    "orket/interfaces/mcp": frozenset({"anyio", "mcp", "mcp_types", "msgspec", "pydantic", "uvicorn"}),
    "orket/interfaces/cli": frozenset({"anyio", "attrs", "msgspec", "cyclopts", "rich", "uvicorn"}),
    "orket/testing": frozenset({"anyio", "attrs", "hypothesis", "msgspec", "pytest", "trio"}),
}
# What may be imported inside a function, where only those come by who have it already.
INSIDE_FUNCTIONS: dict[str, frozenset[str]] = {"actors": frozenset({"trio"})}
OWN = frozenset({"actors", "orket"})
# From the rooms that hold actors, a way in may import only what can be asked of them, and what models are
# writing, which goes past them.
MESSAGES = frozenset(
    {
        "orket.orchestration.live",
        "orket.orchestration.messages",
        "orket.services.tool_messages",
        "orket.services.sandbox_messages",
        "orket.services.project_messages",
    }
)
ROOMS = ("orket.orchestration", "orket.services")


def modules(node: ast.AST) -> Iterator[str]:
    """Name the modules that one statement imports; ``from a.b import c`` counts as ``a.b``."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        yield node.module or ""


def foreign(folder: str, source: str) -> set[str]:
    """Name the outside packages a file in ``folder`` imports and may not."""
    home = max((one for one in OUTSIDE if f"{folder}/".startswith(f"{one}/")), key=len)
    tree = ast.parse(source)
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {node for function in functions for node in ast.walk(function)}
    found = {
        top
        for node in ast.walk(tree)
        for top in (name.partition(".")[0] for name in modules(node))
        if node not in inside or top not in INSIDE_FUNCTIONS.get(home, ())
    }
    return found - sys.stdlib_module_names - OWN - OUTSIDE[home]


def actor_classes(source: str) -> set[str]:
    """Name the modules with actors that a way in imports."""
    named = {name for node in ast.walk(ast.parse(source)) for name in modules(node)}
    return {name for name in named if name.startswith(ROOMS) and name not in MESSAGES}


def _contracts(checkout: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--no-cache", "--config", checkout / ".importlinter"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    result = _contracts(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages in which a test may write nonsense."""
    copy = tmp_path_factory.mktemp("checkout")
    for package in sorted(OWN):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", copy)
    return copy


@pytest.mark.parametrize(
    ("path", "code", "contract"),
    [
        ("orket/domain/planted.py", "import orket.services.tool_messages", "Folder order is import order"),
        ("orket/attic/__init__.py", "", "Folder order is import order"),
        ("actors/errors.py", "import orket.domain.cards", "The actor runtime knows nothing of the engine"),
        ("actors/errors.py", "import actors._system", "Inside the actor runtime"),
        ("actors/attic.py", "", "Inside the actor runtime"),
        ("orket/domain/planted.py", "import time", "Domain and decision nodes are pure"),
        ("orket/decision_nodes/planted.py", "import actors", "Domain and decision nodes are pure"),
        (
            "orket/infrastructure/planted.py",
            "import orket.services.tool_messages",
            "Infrastructure imports only domain and actors",
        ),
        (
            "orket/wire/planted.py",
            "import orket.infrastructure",
            "Only the composition root joins ports and adapters",
        ),
        ("orket/interfaces/planted.py", "import orket.infrastructure", "Only the composition root"),
        ("orket/interfaces/planted.py", "import orket.services.tool_call", "Who asks an actor imports"),
        ("orket/orchestration/turn.py", "import orket.orchestration.engine", "Inside orchestration"),
        ("orket/orchestration/attic.py", "", "Inside orchestration"),
        ("orket/infrastructure/newest.py", "import orket.infrastructure.memory", "Neighbours do not import"),
        ("orket/client/planted.py", "import orket.bootstrap", "The client knows the wire"),
        (
            "orket/services/sandbox_messages.py",
            "import orket.services.tool_messages",
            "Inside services: whoever asks stands above whoever answers",
        ),
        ("orket/services/attic.py", "", "Inside services: whoever asks stands above whoever answers"),
    ],
)
def test_a_contract_can_fail(checkout: Path, path: str, code: str, contract: str) -> None:
    planted = checkout / path
    before = planted.read_text(encoding="utf-8") if planted.exists() else None
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f'"""Planted."""\n{code}\n', encoding="utf-8")
    try:
        result = _contracts(checkout)
    finally:
        if before is not None:
            planted.write_text(before, encoding="utf-8")
        elif planted.name == "__init__.py":
            shutil.rmtree(planted.parent)
        else:
            planted.unlink()
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in line and "BROKEN" in line for line in result.stdout.splitlines()), result.stdout


def test_each_folder_imports_only_its_outside_packages() -> None:
    strangers = {
        path.relative_to(ROOT).as_posix(): found
        for package in sorted(OWN)
        for path in sorted((ROOT / package).rglob("*.py"))
        if (found := foreign(path.parent.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")))
    }
    assert not strangers
    assert foreign("actors", "import trio\nimport os\nimport attrs") == {"trio"}
    assert not foreign("actors", "def f() -> None:\n    import trio")
    assert foreign("orket", "def f() -> None:\n    import trio") == {"trio"}
    assert foreign("orket/domain", "from anyio.abc import TaskGroup") == {"anyio"}


def test_ways_in_import_messages_never_actors() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): named
        for path in sorted((ROOT / "orket" / "interfaces").rglob("*.py"))
        if (named := actor_classes(path.read_text(encoding="utf-8")))
    }
    assert not found
    assert actor_classes("from orket.orchestration.engine import Engine") == {"orket.orchestration.engine"}
