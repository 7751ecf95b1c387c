"""The iDesign path rules: where source files live and what they are called (2.8)."""

from __future__ import annotations

from orket.decision_nodes.workspace_paths import parts

SOURCE_SUFFIXES = (".py", ".ts", ".js")
CATEGORIES = frozenset(
    {
        "managers",
        "engines",
        "accessors",
        "utils",
        "controllers",
        "tests",
        "schemas",
        "models",
        "infrastructure",
        "services",
        "agent_output",
        "verification",
    }
)
NAMED_AFTER = {"managers": "manager", "engines": "engine", "accessors": "accessor"}


def idesign_problem(path: str) -> str:
    """Say which rule a file to be written at ``path`` breaks, as ``CODE: reason``, or return an empty text.

    The category of a file is its first folder; ``src`` and ``product`` in front of it do not count, nor does
    the product's name in ``product/product/x``.
    """
    names = parts(path)
    if not names:
        return ""
    folders, file = names[:-1], names[-1].lower()
    source = file.endswith(SOURCE_SUFFIXES)
    category = _category(tuple(one.lower() for one in folders))
    if source and not folders:
        return "ROOT_FILE_VIOLATION: source files do not lie in the workspace's root"
    if source and category not in CATEGORIES:
        return f"CATEGORY_VIOLATION: {category or folders[0]!r} is none of {', '.join(sorted(CATEGORIES))}"
    if (word := NAMED_AFTER.get(category)) is not None and word not in file:
        return f"NAMING_VIOLATION: the name of a file in {category} holds the word {word!r}"
    return ""


def _category(folders: tuple[str, ...]) -> str:
    skipped = (
        2 if folders[:2] == ("product", "product") else 1 if folders[:1] in (("src",), ("product",)) else 0
    )
    return (folders[skipped:] or ("",))[0]
