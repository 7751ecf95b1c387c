"""Spawning: a new cell under a parent, and the two ways to ask for one."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import attrs

from actors._cell import DOWN, STOPPED, Cell
from actors._protocol import Behaviour
from actors._ref import Ref
from actors._seed import sown
from actors._supervision import Backoff, ChildSpec, Restart
from actors.errors import NotRunning

P = ParamSpec("P")
M = TypeVar("M")
S = TypeVar("S")


def spawn_cell(
    parent: Cell,
    actor: Any,
    arguments: Any,
    name: str | None = None,
    spec: ChildSpec | None = None,
) -> Cell:
    """Make a cell for ``actor`` under ``parent`` and put its start on the control lane.

    Raises:
        NotRunning: The parent stops or has stopped; nothing was started.
        ValueError: A sibling has this name; nothing was started.
        TypeError: Not an actor class that can be spawned.
    """
    cell = place(parent, actor, arguments, name, spec)
    # A parent that is itself about to start, or to start again, starts this child then.
    if parent.state is not DOWN:
        cell.launch()
    return cell


def place(parent: Cell, actor: Any, arguments: Any, name: str | None, spec: ChildSpec | None) -> Cell:
    """Make a cell that is down, known to its parent."""
    kernel = parent.kernel
    blueprint = vars(actor).get("__blueprint__") if isinstance(actor, type) else None
    if blueprint is None:
        raise TypeError(f"{actor!r} is not a concrete actor class")
    if kernel.closed or parent.ending or parent.state is STOPPED:
        raise NotRunning(f"{parent.path} is stopping", parent.path)
    if parent.children is None:
        parent.children = {}
    if name is not None and (name in parent.children or not name or "/" in name):
        raise ValueError(f"{parent.path} cannot have a child named {name!r}: taken or not a name")
    serial = kernel.next_serial()
    cell = Cell(kernel, parent, name or serial, blueprint, arguments, spec or blueprint.options.spec, serial)
    parent.children[cell.key] = cell
    actor.__prepare_cell__(cell)
    return cell


class Spawner:
    """The spawning side of a context and of a system."""

    __slots__ = ()

    def _parent(self) -> Cell:
        raise NotImplementedError

    def spawn(self, cls: Callable[P, Behaviour[M]], *args: P.args, **kwargs: P.kwargs) -> Ref[M]:
        """Start an actor and return its ref at once; messages wait until it has started.

        Args:
            cls: An actor class.
            args: Its constructor's arguments, kept for restarts: share no mutable value.
            kwargs: Likewise.

        Raises:
            NotRunning: The parent stops or has stopped; nothing was started.
            TypeError: ``cls`` is not a concrete actor class.
        """
        parent = self._parent()
        if not args and not kwargs:
            seed = sown(parent, cls)
            if seed is not None:
                return seed
        return Ref(spawn_cell(parent, cls, (args, kwargs)))

    def supervise(self, cls: Callable[P, S], *args: P.args, **kwargs: P.kwargs) -> S:
        """Start a ``Supervisor`` and return its handle, whose declared children are typed refs.

        Args:
            cls: A supervisor class.
            args: Its constructor's arguments, kept for restarts.
            kwargs: Likewise.

        Raises:
            NotRunning: The parent stops or has stopped; nothing was started.
            TypeError: ``cls`` is not a supervisor class.
        """
        handle: S = start_supervisor(self._parent(), cls, (args, kwargs))
        return handle

    def named(
        self,
        name: str,
        *,
        restart: Restart | None = None,
        shutdown: float | None = None,
        backoff: Backoff | None = None,
        significant: bool | None = None,
    ) -> "Named":
        """Say name and policy first (they cannot share the argument list), then ``spawn``.

        Args:
            name: Unique among the siblings, without ``/``.
            restart: ``permanent``, ``transient`` or ``temporary``; None: as the class says.
            shutdown: Seconds its handler, then its ``on_stop``, may take when it is stopped.
            backoff: How long to wait before restarts.
            significant: Its normal end ends the parent.
        """
        given = {"restart": restart, "shutdown": shutdown, "backoff": backoff}
        changes = {key: value for key, value in given.items() if value is not None}
        if significant is not None:
            changes["significant"] = significant
        return Named(self._parent(), name, changes)


def start_supervisor(
    parent: Cell, cls: Any, arguments: Any, name: str | None = None, spec: ChildSpec | None = None
) -> Any:
    """Spawn a supervisor class and give its handle."""
    cell = spawn_cell(parent, cls, arguments, name, spec)
    return cls.__handle__(cell)


@attrs.frozen
class Named:
    """A name and a policy, waiting for the class: ``system.named("ledger").spawn(Ledger, path)``."""

    _cell: Cell
    _name: str
    _changes: dict[str, Any]

    def _spec(self, cls: Any) -> ChildSpec:
        blueprint = getattr(cls, "__blueprint__", None)
        spec = blueprint.options.spec if blueprint is not None else ChildSpec()
        return attrs.evolve(spec, **self._changes)

    def spawn(self, cls: Callable[P, Behaviour[M]], *args: P.args, **kwargs: P.kwargs) -> Ref[M]:
        """Start an actor under this name and policy.

        Args:
            cls: An actor class.
            args: Its constructor's arguments, kept for restarts.
            kwargs: Likewise.

        Raises:
            NotRunning: The parent stops or has stopped; nothing was started.
            ValueError: The name is taken, or a policy value is out of range.
        """
        return Ref(spawn_cell(self._cell, cls, (args, kwargs), self._name, self._spec(cls)))

    def supervise(self, cls: Callable[P, S], *args: P.args, **kwargs: P.kwargs) -> S:
        """Start a supervisor under this name and policy, and return its handle.

        Args:
            cls: A supervisor class.
            args: Its constructor's arguments, kept for restarts.
            kwargs: Likewise.

        Raises:
            NotRunning: The parent stops or has stopped; nothing was started.
            ValueError: The name is taken, or a policy value is out of range.
        """
        spec = self._spec(cls)
        handle: S = start_supervisor(self._cell, cls, (args, kwargs), self._name, spec)
        return handle
