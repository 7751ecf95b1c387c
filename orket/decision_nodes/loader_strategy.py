"""``loader_strategy_node``: where assets are looked for."""

from __future__ import annotations

CORE = "core"


class DefaultLoaderStrategy:
    """``config/<category>``, then the department's folder in ``model``, then ``core``.

    The loader itself looks first beside the asset that names another one, so that an epic can bring its own
    team. A name that is no plain file name is looked for nowhere.
    """

    def candidates(self, category: str, name: str, department: str) -> tuple[str, ...]:
        """List relative paths, the first that exists wins."""
        if not all(map(_plain, (category, name, department))):
            return ()
        folders = ("config", f"model/{department}", f"model/{CORE}")
        return tuple(f"{folder}/{category}/{name}.json" for folder in dict.fromkeys(folders))


def _plain(name: str) -> bool:
    return name not in ("", ".", "..") and not set(name) & set("/\\\0")
