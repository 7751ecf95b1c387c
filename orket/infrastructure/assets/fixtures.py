"""An issue's verification: scenarios, and a fixture whose source is taken from outside every workspace."""

from __future__ import annotations

import ast
from pathlib import Path

from orket.domain.errors import AssetError
from orket.domain.verification import Scenario, Verification
from orket.infrastructure.assets.documents import (
    FIXTURE_BYTES_MAX,
    Document,
    canonical,
    pointer_to,
    read_text,
)
from orket.infrastructure.assets.looks import is_file, resolved
from orket.infrastructure.assets.shapes import JsonObject, ScenarioShape, VerificationShape, shape


def read_verification(
    document: Document, pointer: str, value: JsonObject | None, home: Path
) -> Verification | None:
    """Read what an issue declares, the fixture's source included; None when it declares nothing.

    Args:
        document: The file the issue is in.
        pointer: Where its verification stands.
        value: The verification object.
        home: The model directory; the fixture lies in it.

    Raises:
        AssetError: A shape, a missing or escaping fixture, one that is no Python, a scenario id given
            twice, or a fixture without a scenario.
    """
    told = shape(document, pointer, value or {}, VerificationShape)
    key = "fixture_path" if told.fixture_path else "verification_fixture"
    fixture = told.fixture_path or told.verification_fixture or ""
    if told.fixture_path and told.verification_fixture not in (None, told.fixture_path):
        raise document.error(f"{pointer}/verification_fixture", "says otherwise than 'fixture_path'")
    scenarios = _scenarios(document, f"{pointer}/scenarios", told.scenarios or [])
    if fixture and not scenarios:
        reason = "a fixture without 'scenarios' would never be executed: add one"
        raise document.error(f"{pointer}/{key}", reason)
    if not scenarios:
        return None
    source = _source(document, f"{pointer}/{key}", fixture, home) if fixture else ""
    return Verification(fixture_path=fixture, fixture_source=source, scenarios=scenarios)


def _scenarios(document: Document, pointer: str, told: list[object]) -> tuple[Scenario, ...]:
    found: dict[str, Scenario] = {}
    for index, value in enumerate(told):
        where = pointer + pointer_to(index)
        one = shape(document, where, value, ScenarioShape)
        name = f"S{index + 1}" if one.id is None else one.id
        if not name.isidentifier() and not f"_{name}".isidentifier():
            raise document.error(
                f"{where}/id", f"{name[:64]!r} must be usable in a function's name, verify_<id>"
            )
        if name in found:
            raise document.error(
                f"{where}/id" if one.id else where, f"the scenario id {name!r} is given twice"
            )
        found[name] = Scenario(
            id=name,
            description=one.description or "",
            input_json=canonical(one.input_data),
            expected_json=canonical(one.expected_output),
        )
    return tuple(found.values())


def _source(document: Document, pointer: str, fixture: str, home: Path) -> str:
    """Read a fixture.

    Symbolic links are followed first, so that none leads out of the model directory.
    """
    try:
        path = resolved(home / fixture)
        inside = path.is_relative_to(resolved(home))
    except (OSError, ValueError, RuntimeError) as error:
        raise document.error(pointer, f"{fixture[:64]!r} is no path: {error}") from error
    if not inside:
        raise document.error(pointer, f"{fixture!r} lies outside the model directory {home}")
    if not is_file(path):
        raise document.error(pointer, f"no fixture {fixture!r} in {home}")
    try:
        source = read_text(path, fixture, FIXTURE_BYTES_MAX)
        ast.parse(source, fixture)
    except AssetError as error:
        raise document.error(pointer, error.detail) from error
    except SyntaxError as error:
        raise document.error(pointer, f"{fixture}: line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise document.error(pointer, f"{fixture}: is no Python: {error}") from error
    return source
