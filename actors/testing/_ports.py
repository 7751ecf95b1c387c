"""Ports that fail on purpose: lost, doubled, late and half-done calls."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import anyio

from actors.testing._watcher import DELAY_S, Watcher
from actors.testing.errors import InjectedFault

F = TypeVar("F", bound=Callable[..., Any])
PortFault = Literal["drop", "duplicate", "delay", "torn"]
MARK = "__actors_port_faults__"


def port_faults(*faults: PortFault) -> Callable[[F], F]:
    """Declare what may happen to calls of an async method, when a simulation makes it ``fragile``.

    Args:
        faults: ``drop``: nothing is done, None is returned; ``duplicate``: it is done twice;
            ``delay``: it is done later; ``torn``: it is done with the first half of its last
            ``bytes``, ``str`` or list argument, then fails with ``InjectedFault``.
    """

    def mark(function: F) -> F:
        setattr(function, MARK, faults)
        return function

    return mark


class Fragile:
    """Stands in for a port; every attribute is the port's, declared methods with faults."""

    def __init__(self, port: Any, name: str, watcher: Watcher) -> None:
        self._port = port
        self._name = name
        self._watcher = watcher
        self._calls: Counter[str] = Counter()

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._port, attribute)
        faults: tuple[PortFault, ...] = getattr(value, MARK, ())
        if not faults:
            return value

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._call(attribute, faults, value, args, kwargs)

        return call

    async def _call(
        self, method: str, faults: tuple[PortFault, ...], function: Any, args: Any, kwargs: Any
    ) -> Any:
        self._calls[method] += 1
        where, number = f"{self._name}.{method}", self._calls[method]
        happening = {fault for fault in faults if self._happens(fault, where, number)}
        if "delay" in happening:
            await anyio.sleep(DELAY_S ** (self._watcher.chooser.amount(f"{where}@{number}") * 4 - 3))
        if "drop" in happening:
            return None
        if "torn" in happening:
            await function(*_halved(args), **kwargs)
            raise InjectedFault("torn", where)
        if "duplicate" in happening:
            await function(*args, **kwargs)
        return await function(*args, **kwargs)

    def _happens(self, fault: PortFault, where: str, number: int) -> bool:
        watcher = self._watcher
        happens = watcher.chooser.fault(fault, where, self._name, occurrence=number)
        if happens:
            watcher.moments.note("fault", watcher.speaker(), where, (fault, where, f"call {number}"))
        return happens


def _halved(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with the last one that has a length cut in half."""
    for at in reversed(range(len(args))):
        if isinstance(args[at], bytes | str | list | tuple):
            return (*args[:at], args[at][: len(args[at]) // 2], *args[at + 1 :])
    return args
