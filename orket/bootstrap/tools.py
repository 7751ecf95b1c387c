"""The tools of this installation: those that come with Orket, and those of installed packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import attrs

from orket.bootstrap.entry_points import Point, installed
from orket.domain.errors import SettingsError
from orket.domain.web import WebRequest, WebResponse
from orket.infrastructure.academy import FileArchive, FilePrompts
from orket.infrastructure.clock import SystemClock
from orket.services.tools import image_analyze
from orket.services.tools.archive_eval import archive_eval_tool
from orket.services.tools.http_request import http_request_tool
from orket.services.tools.promote_prompt import promote_prompt_tool
from orket.services.tools.tool import Tool
from orket.services.tools.toolbox import TOOLBOX, Toolbox, make_toolbox
from orket.settings import Settings

ENTRY_POINTS = "orket.tools"


@attrs.frozen
class _Web:
    """The web, opened when it is first wanted: its packages take longer to import than all the rest."""

    inside: tuple[str, ...]

    async def fetch(self, request: WebRequest) -> WebResponse:
        from orket.infrastructure.web import HttpWeb

        return await HttpWeb(self.inside).fetch(request)


def installed_tools(settings: Settings) -> Toolbox:
    """Put together all installed tools: an entry point of the group ``orket.tools`` names a ``Tool``.

    Raises:
        SettingsError: An entry point cannot be loaded, is no tool or is not named as its tool, or two tools
            have one name.
    """
    return make_toolbox(
        (
            *TOOLBOX.values(),
            http_request_tool(_Web(settings.http_inside)),
            archive_eval_tool(FileArchive(settings.data_dir / "evals", SystemClock().now)),
            promote_prompt_tool(FilePrompts(settings.model_dir)),
            *_vision(settings),
            *map(_load, installed(ENTRY_POINTS)),
        )
    )


def absent_tools(settings: Settings) -> Mapping[str, str]:
    """Say which tools of Orket's own are not installed here, and why."""
    from orket.infrastructure.vision import why_absent

    needs = {"image_analyze": _no_pillow(), "image_generate": why_absent(settings.image_model)}
    return {name: why for name, why in needs.items() if why}


def _no_pillow() -> str:
    return "" if find_spec("PIL") is not None else "not installed: PIL; pip install 'orket[vision]'"


def _vision(settings: Settings) -> Iterator[Tool[Any]]:
    if not _no_pillow():
        yield image_analyze.TOOL
    if settings.image_model is None:
        return
    from orket.infrastructure.vision import LocalPainter, why_absent
    from orket.services.tools.image_generate import image_generate_tool

    if not why_absent(settings.image_model):
        yield image_generate_tool(LocalPainter(settings.image_model, settings.local.threads))


def _load(point: Point) -> Tool[Any]:
    place = f"entry point {point.name!r} = {point.value} of {ENTRY_POINTS}"
    try:
        found: object = point.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"{place}: {error}") from error
    if not isinstance(found, Tool):
        raise SettingsError(f"{place}: is a {type(found).__name__}; make it with declare()")
    if found.spec.name != point.name:
        raise SettingsError(f"{place}: its tool is named {found.spec.name!r}; name the entry point like it")
    return found
