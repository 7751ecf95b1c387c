"""A local-first, state-driven execution engine for governed agent work."""

__version__ = "0.1.0"
