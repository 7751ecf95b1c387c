"""Fixtures of the whole suite: each async test runs on asyncio and on trio."""

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under test, by name."""
    backend: str = request.param
    return backend
