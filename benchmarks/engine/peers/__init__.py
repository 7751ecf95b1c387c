"""Peers of the engine, each a program that runs in a virtual environment of its own."""
