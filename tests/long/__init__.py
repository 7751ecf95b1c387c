"""The long suites: what takes minutes, wants a whole machine or system packages. ``python -m tests.long``."""
