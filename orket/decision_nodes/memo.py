"""Where a node may keep what it has written, so that it does not write it again in the next turn."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

Memo = MutableMapping[object, Any]
"""What was written before, under any name. It lives as long as the assignment; a strategy may keep there what
it has written once, as long as equal inputs go on giving equal words.
"""
