"""Tests of ``orket.testing``."""
