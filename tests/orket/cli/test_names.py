"""Runs and calls by their ids, or by the beginning of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from orket.domain.errors import RunNotFound
from orket.domain.identifiers import RunId
from orket.infrastructure.memory import open_ledger
from orket.interfaces.cli.exits import BadInput
from orket.interfaces.cli.names import find_call, find_run, newest_run
from orket.interfaces.cli.reach import Database
from tests.orket.cli import recorded as r
from tests.orket.cli.test_follow import Noon

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def database(*runs: str) -> AsyncIterator[Database]:
    async with open_ledger(Noon()) as ledger:
        for run in runs:
            await ledger.append(RunId(run), r.accepted())
        yield Database(ledger=ledger)


async def test_a_beginning_that_only_one_run_has():
    async with database("aa11", "ab22", "aa1") as reach:
        assert (await find_run(reach, "ab")).run_id == "ab22"
        assert (await find_run(reach, "aa1")).run_id == "aa1"  # exact, though another one begins so


async def test_a_beginning_of_several_lists_them():
    async with database("aa11", "aa22") as reach:
        with pytest.raises(BadInput, match=r"2 runs begin with 'aa': aa22 .*, aa11 .*; give more"):
            await find_run(reach, "aa")


@pytest.mark.parametrize("name", ["x", "aa111"])
async def test_a_beginning_of_none(name: str):
    async with database("aa11") as reach:
        with pytest.raises(RunNotFound, match=f"no run begins with '{name}'"):
            await find_run(reach, name)


async def test_the_newest_run():
    async with database("aa11", "bb22") as reach:
        assert (await newest_run(reach)).run_id == "bb22"
    async with database() as reach:
        with pytest.raises(RunNotFound, match="no runs here yet"):
            await newest_run(reach)


async def test_a_call_is_named_through_its_run():
    async with database("aa11") as reach:
        assert await find_call(reach, "aa/LED-1/2/0") == ("aa11", "aa11/LED-1/2/0")
        with pytest.raises(BadInput, match="no call id"):
            await find_call(reach, "aa11/LED-1")
