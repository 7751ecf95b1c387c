"""The engine: admits runs, drives their cards through turns, recovers them from the ledger."""
