"""The HTTP bridge against a bare handler on the same server, and its event streams."""
