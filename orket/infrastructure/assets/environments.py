"""Environments and dialects: which model answers, and how it is asked."""

from __future__ import annotations

import math
from pathlib import Path

from orket.domain.assets import Dialect, Environment
from orket.infrastructure.assets.documents import Document, canonical
from orket.infrastructure.assets.looks import is_file, resolved
from orket.infrastructure.assets.places import Places
from orket.infrastructure.assets.scripts import read_script
from orket.infrastructure.assets.shapes import DialectShape, EnvironmentShape, PriceShape, shape

SCRIPTED = "scripted:"
_SEED_MAX = 2**63 - 1


def read_environment(document: Document) -> Environment:
    """Read an environment; a scripted model's relative path starts at the environment's model directory.

    Raises:
        AssetError: It is invalid, or names a script that does not exist or is invalid.
    """
    told = shape(document, "", document.value, EnvironmentShape)
    if not (math.isfinite(told.timeout) and told.timeout > 0):
        raise document.error("/timeout", "must be a number of seconds above 0")
    if not (math.isfinite(told.temperature) and told.temperature >= 0):
        raise document.error("/temperature", "must be 0 or more")
    if told.seed is not None and abs(told.seed) > _SEED_MAX:
        raise document.error("/seed", "must fit into 64 bits")
    price = shape(document, "/price", told.price or {}, PriceShape)
    for name in ("input", "output"):
        if not 0 <= getattr(price, name) < math.inf:
            raise document.error(f"/price/{name}", "must be 0 or more")
    return Environment(
        name=told.name or document.path.stem,
        model=_model(document, told.model or ""),
        temperature=told.temperature,
        seed=told.seed,
        timeout_s=told.timeout,
        params_json=canonical(told.params or {}),
        input_price=price.input,
        output_price=price.output,
    )


def read_dialects(places: Places, department: str) -> tuple[Dialect, ...]:
    """Read every dialect that can be found, because the model may be chosen late.

    Raises:
        AssetError: One of them is invalid.
    """
    found = []
    for path in places.files("dialects", department).values():
        document = places.read("dialects", path)
        told = shape(document, "", document.value, DialectShape)
        found.append(
            Dialect(
                model_family=told.model_family,
                dsl_format=told.dsl_format or "",
                constraints=tuple(told.constraints or ()),
                hallucination_guard=told.hallucination_guard or "",
            )
        )
    return tuple(found)


def _model(document: Document, model: str) -> str:
    if not model.startswith(SCRIPTED):
        return model
    script = document.home / Path(model.removeprefix(SCRIPTED))
    if not is_file(script):
        raise document.error("/model", f"no script {model.removeprefix(SCRIPTED)!r} in {document.home}")
    read_script(script, model.removeprefix(SCRIPTED))
    return f"{SCRIPTED}{resolved(script)}"
