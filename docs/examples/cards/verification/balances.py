"""Verifies LED-2: what accounts and their parents hold after one entry."""

import importlib
import sys
from datetime import date
from pathlib import Path


def verify(given: dict[str, list[tuple[str, int]]]) -> object:
    """Make an entry of the postings and return the balances."""
    sys.path.insert(0, str(Path.cwd()))
    journal = importlib.import_module("src.schemas.journal")
    balance = importlib.import_module("src.engines.balance_engine")
    postings = tuple(journal.Posting(account, cents) for account, cents in given["postings"])
    return balance.balances([journal.Entry(date(2026, 1, 1), "Scenario", postings)])
