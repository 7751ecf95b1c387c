"""Which model answers a role, and in which dialect it is asked (2.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from orket.domain.assets import Epic, Organization, Role
from orket.domain.models import Calling

GENERIC = "generic"
# The family decides the dialect, so the distilled models of one family named after another come first.
DIALECTS = (
    ("deepseek", "deepseek-r1"),
    ("qwen", "qwen"),
    ("llama", "llama3"),
    ("phi", "phi"),
)
FALLBACKS = (
    ("architect", "llama3.1:8b"),
    ("coder", "qwen2.5-coder:7b"),
    ("developer", "qwen2.5-coder:7b"),
    ("builder", "qwen2.5-coder:7b"),
    ("backend", "qwen2.5-coder:7b"),
)
FALLBACK = "llama3.1:8b"
FALLBACKS_MAX = 4
ANSWER_TOKENS_MAX: Mapping[Calling, int] = {Calling.NATIVE: 4096, Calling.SCHEMA: 2048}
# Below this, native calls go wrong more often than not, whatever the model's template promises.
SMALL_BILLIONS = 4.0
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b(?![a-z0-9])")
_MILLIONS = re.compile(r"(?<![\w.])\d+m(?![a-z0-9])")


def model_for(role: Role, epic: Epic, organization: Organization, *, override: str) -> str:
    """Take the first that is given.

    The user's override; the epic's ``params.model_overrides[role]``; the environment's model; the
    organization's ``process_rules.default_llm``; the built-in model for roles of that name.
    """
    return (
        override.strip()
        or _overridden(role, epic.card.params_json)
        or epic.environment.model.strip()
        or (organization.rule("default_llm") or "").strip()
        or next((model for word, model in FALLBACKS if word in role.name.lower()), FALLBACK)
    )


def fallbacks_for(model: str, epic: Epic, organization: Organization) -> tuple[str, ...]:
    """List the models that are asked, one after the other, when the server of ``model`` does not answer.

    The environment's ``params.fallback_models``, otherwise the organization's
    ``process_rules.fallback_llms``, separated by commas. Whoever names a model when a run is started gets
    that one and no other.
    """
    told = _params(epic.environment.params_json).get("fallback_models")
    named = told if isinstance(told, list) else (organization.rule("fallback_llms") or "").split(",")
    names = (one.strip() for one in named if isinstance(one, str))
    return tuple(dict.fromkeys(one for one in names if one and one != model))[:FALLBACKS_MAX]


def answer_tokens_max(params_json: str, calling: Calling) -> int:
    """Bound one answer: the environment's ``params.output_tokens_max``, otherwise less for one action."""
    told = _params(params_json).get("output_tokens_max")
    if isinstance(told, int) and not isinstance(told, bool) and told > 0:
        return told
    return ANSWER_TOKENS_MAX[calling]


def calling_of(model: str, params_json: str) -> Calling:
    """Say how a model is given its tools.

    As the environment's ``params.calling`` says (``native`` or ``schema``); otherwise by schema for models on
    this machine and for those whose name tells that they are small.
    """
    told = _params(params_json).get("calling")
    if isinstance(told, str) and told in tuple(Calling):
        return Calling(told)
    name = model.lower()
    if name.startswith("scripted:"):
        return Calling.NATIVE
    sizes = [float(one) for one in _SIZE.findall(name)]
    small = name.startswith("local:") or any(one <= SMALL_BILLIONS for one in sizes[:1])
    return Calling.SCHEMA if small or _MILLIONS.search(name) else Calling.NATIVE


def dialect_of(model: str) -> str:
    """Name the dialect of a model by the first family its name contains, ``generic`` when none."""
    name = model.lower()
    if name.startswith("scripted:"):
        return GENERIC
    return next((dialect for family, dialect in DIALECTS if _mentions(name, family)), GENERIC)


def _mentions(name: str, family: str) -> bool:
    # "dolphin" holds "phi" and is none; "codellama" is a llama.
    return any(
        name.startswith(family, at) and (family != "phi" or not name[at - 1 : at].isalpha())
        for at in range(len(name))
    )


@lru_cache(64)
def _params(params_json: str) -> Mapping[str, object]:
    """Read the parameters, which nobody changes; the same few are read in every turn."""
    params: object = json.loads(params_json)
    return params if isinstance(params, dict) else {}


def _overridden(role: Role, params_json: str) -> str:
    overrides = _params(params_json).get("model_overrides")
    model = overrides.get(role.name) if isinstance(overrides, dict) else None
    return model.strip() if isinstance(model, str) else ""
