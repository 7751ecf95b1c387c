"""The bounds of a budget; what they mean and how they are kept is in ``budgets``."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Budget:
    """Upper bounds; None means unbounded.

    ``wall_s_max`` bounds the seconds that models and tools take, added up over all cards,
    ``output_bytes_max`` what tools answer. ``cost_max`` is in the currency of the environment's prices.
    """

    turns_max: int | None = None
    tokens_max: int | None = None
    tool_calls_max: int | None = None
    wall_s_max: float | None = None
    output_bytes_max: int | None = None
    cost_max: float | None = None
