"""How fast a person is obeyed while many runs are at work."""
