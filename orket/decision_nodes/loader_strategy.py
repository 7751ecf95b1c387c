"""``loader_strategy_node``: where assets are looked for."""

from __future__ import annotations

CORE = "core"


class DefaultLoaderStrategy:
    """``config/<category>``, then the department's folder, then ``core``, then a folder beside.

    The last candidate, ``<category>/<name>.json``, is meant relative to the directory in which the asset
    that names another one lies, so that an epic can bring its own team. A name that is no plain file name
    is looked for nowhere.
    """

    def candidates(self, category: str, name: str, department: str) -> tuple[str, ...]:
        """List relative paths, the first that exists wins."""
        if not all(map(_plain, (category, name, department))):
            return ()
        folders = ("config", f"model/{department}", f"model/{CORE}")
        beside = f"{category}/{name}.json"
        return (*(f"{folder}/{beside}" for folder in dict.fromkeys(folders)), beside)


def _plain(name: str) -> bool:
    return name not in ("", ".", "..") and not set(name) & set("/\\\0")
