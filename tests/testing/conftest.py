"""Tests of the kit are not to remember what they make fail on purpose."""

import pytest

from actors.testing import _memory


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """No example database, unless a test brings its own."""
    monkeypatch.setattr(_memory, "find", lambda: None)
