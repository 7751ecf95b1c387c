"""Fixtures of the whole suite: each async test runs on asyncio and on trio."""

import pytest
from hypothesis import settings

# The cores are shared, so how long one example takes says nothing about the code.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under test, by name."""
    backend: str = request.param
    return backend
