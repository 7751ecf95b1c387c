"""Programs for type checkers: what must be accepted, and what must be refused."""
