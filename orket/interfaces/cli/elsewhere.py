"""A bridge that was named by ``--url`` or ``ORKET_URL``: what commands ask of it besides runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from orket.client import OrketClient
from orket.interfaces.cli.remote import refusals
from orket.settings import Settings


@asynccontextmanager
async def named_bridge(settings: Settings) -> AsyncGenerator[OrketClient]:
    """Use the bridge that the settings name; what it refuses is raised as the error that it was.

    Raises:
        OrketError: It refused; see ``remote.refusals``.
        Unreachable: Nobody answers there.
    """
    async with OrketClient.connect(url=settings.url, key=settings.key) as client:
        with refusals():
            yield client
