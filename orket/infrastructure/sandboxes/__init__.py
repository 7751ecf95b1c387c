"""Sandbox drivers: the rungs of the ladder, one file each."""
