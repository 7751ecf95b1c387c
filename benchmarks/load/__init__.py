"""The load of the earlier system, against a real ``orket serve``."""
