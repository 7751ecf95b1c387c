"""The ways in: the HTTP bridge and the command line."""
