"""Conformance suites: one per port, run by the tests of every adapter."""
