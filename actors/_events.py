"""The event stream of a system: typed, by exact class, delivered at once and in order."""

from collections.abc import Callable
from typing import Any


class Subscription:
    """A place in the stream; ``cancel`` (or leaving the ``with``) gives it up."""

    __slots__ = ("_events", "_kind", "_number")

    def __init__(self, events: "Events", kind: type[Any], number: int) -> None:
        self._events = events
        self._kind = kind
        self._number = number

    def cancel(self) -> None:
        """Receive nothing more; cancelling twice is harmless."""
        self._events.drop(self._kind, self._number)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()


class Events:
    """Listeners by event class, in the order they subscribed."""

    __slots__ = ("_number", "listeners")

    def __init__(self) -> None:
        self.listeners: dict[type[Any], dict[int, Callable[[Any], object]]] = {}
        self._number = 0

    def subscribe(self, kind: type[Any], listener: Callable[[Any], object]) -> Subscription:
        """Call ``listener`` with each event of exactly this class."""
        self._number += 1
        self.listeners.setdefault(kind, {})[self._number] = listener
        return Subscription(self, kind, self._number)

    def drop(self, kind: type[Any], number: int) -> None:
        """Remove a listener, if it is still there."""
        listeners = self.listeners.get(kind, {})
        listeners.pop(number, None)
        if not listeners:
            self.listeners.pop(kind, None)

    def wanted(self, kind: type[Any]) -> bool:
        """Whether anybody listens; lets a publisher skip building the event."""
        return kind in self.listeners

    def publish(self, event: Any, failed: Callable[[BaseException], None]) -> None:
        """Tell every listener; one that raises is reported to ``failed`` and the rest still hear."""
        for listener in tuple(self.listeners.get(type(event), {}).values()):
            try:
                listener(event)
            except Exception as failure:  # noqa: BLE001 - a listener must not break the sender
                failed(failure)
