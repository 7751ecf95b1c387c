"""The iDesign rules about what stands in a Python file (2.9): names of classes, and who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator

METHODS_MAX = 15
# The first word that a file's name holds is its category; nobody imports from a category before his own.
CATEGORIES = ("manager", "engine", "accessor")
ERRORS = ("Error", "Exception", "Warning")
RECORDS = frozenset({"NamedTuple", "TypedDict", "Enum", "StrEnum", "IntEnum"})


def code_problem(path: str, content: str) -> str:
    """Say which rule a Python file to be written at ``path`` breaks, as ``CODE: line N: reason``, or ""."""
    name = path.rpartition("/")[2].lower()
    if not name.endswith(".py"):
        return ""
    try:
        tree = ast.parse(content)
    except SyntaxError as error:
        return f"SYNTAX_ERROR: line {error.lineno or 1}: {error.msg}"
    except (ValueError, RecursionError, MemoryError):
        return "SYNTAX_ERROR: line 1: the source cannot be parsed"
    tested = name.startswith("test_")  # a test is named after what it tests, and is none itself
    category = "" if tested else next((one for one in CATEGORIES if one in name), "")
    return next(_problems(tree, category), "") if category else ""


def crowded_classes(content: str) -> tuple[str, ...]:
    """Name the classes with more than ``METHODS_MAX`` methods: worth a remark, not a refusal."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.ClassDef)
        and sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in one.body) > METHODS_MAX
    )


def _problems(tree: ast.Module, category: str) -> Iterator[str]:
    above = CATEGORIES[: CATEGORIES.index(category)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and category not in node.name.lower() and not _is_exempt(node):
            yield f"CLASS_NAME: line {node.lineno}: class {node.name} does not hold the word {category!r}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module in _imported(node):
                if word := next((one for one in above if one in module.lower()), ""):
                    yield f"IMPORT: line {node.lineno}: a file of {category}s imports a {word}: {module}"


def _is_exempt(node: ast.ClassDef) -> bool:
    """Whether a class is an error or a record: those are named after what went wrong, or what they hold."""
    bases = {one.id for one in node.bases if isinstance(one, ast.Name)}
    return node.name.endswith(ERRORS) or bool(bases & RECORDS) or bool(node.decorator_list)


def _imported(node: ast.Import | ast.ImportFrom) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return tuple(one.name for one in node.names)
    return tuple(f"{node.module or ''}.{one.name}".strip(".") for one in node.names)
