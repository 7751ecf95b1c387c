"""Measurements of Orket: ``python -m benchmarks actors``."""
