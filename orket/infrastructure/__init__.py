"""Adapters: the outside world behind the ports of ``orket.domain.ports``."""
