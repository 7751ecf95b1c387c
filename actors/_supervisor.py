"""Supervision trees as declarations: a class whose attributes are children."""

from collections.abc import Callable
from typing import Any, Generic, Never, ParamSpec, TypeVar, overload

import attrs

from actors._actor import Actor
from actors._cell import Cell, State
from actors._protocol import Behaviour
from actors._ref import Ref, cell_of
from actors._spawn import place
from actors._supervision import Backoff, ChildSpec, Restart

P = ParamSpec("P")
M = TypeVar("M")
S = TypeVar("S", bound="Supervisor")
T = TypeVar("T")

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Supervisor(Actor[Never], restart="permanent", shutdown=float("inf")):
    """An actor that only supervises: its ``child(...)`` attributes are started in order.

    ::

        class Bank(Supervisor, strategy="rest_for_one", intensity=(5, 30.0)):
            def __init__(self, path: str) -> None:
                self.path = path
            ledger = child(Ledger, shutdown=10)(late(lambda bank: bank.path))
            teller = child(Teller)(ledger)           # gets the ledger's Ref

        bank = system.supervise(Bank, "bank.db")     # bank.teller is a typed Ref

    What ``supervise`` returns is a handle: only the children can be read from it. A child that
    fails to start fails the supervisor.
    """

    @classmethod
    def __prepare_cell__(cls, cell: Cell) -> None:
        for base in reversed(cls.__mro__):
            for value in vars(base).values():
                if isinstance(value, Declaration):
                    value.place(cell)

    @classmethod
    def __handle__(cls, cell: Cell) -> Any:
        handle = cls.__new__(cls)
        vars(handle)["__cell__"] = cell
        return handle


class Declaration:
    """One child of a supervisor class; on an instance or a handle, the child's ref."""

    def __init__(self, actor: Any, spec: ChildSpec, arguments: Any) -> None:
        self.actor = actor
        self.spec = spec
        self.arguments = arguments
        self.name = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return self
        cell = vars(instance).get("__cell__")
        return self.handle(cell if cell is not None else cell_of(instance.ctx.self))

    def place(self, parent: Cell) -> Cell:
        """Make the child's cell; it starts with its supervisor."""
        cell = place(parent, self.actor, self.resolve, self.name, self.spec)
        cell.static = True
        parent.extra = {**(parent.extra or {}), self.name: cell}
        return cell

    def handle(self, parent: Cell) -> Any:
        """The child's ref, or the handle of a supervisor."""
        return self.actor.__handle__(self.cell(parent))

    def cell(self, parent: Cell) -> Cell:
        """The child's cell, a tombstone when it has stopped; the supervisor's own if that has."""
        if parent.state is State.STOPPED:
            return parent
        declared: dict[str, Cell] = parent.extra
        return declared[self.name]

    def resolve(self, cell: Cell, look: Callable[[Cell | None], Any]) -> Arguments:
        """The constructor arguments at a start; ``look`` finds the supervisor's instance."""
        assert cell.parent is not None
        return self.settled(cell.parent, look(cell.parent))

    def settled(self, parent: Cell, supervisor: Any) -> Arguments:
        """The constructor arguments, with siblings and late values put in."""

        def settle(value: Any) -> Any:
            if isinstance(value, Declaration):
                return value.handle(parent)
            return value.compute(supervisor) if isinstance(value, Late) else value

        args, kwargs = self.arguments
        return tuple(map(settle, args)), {name: settle(value) for name, value in kwargs.items()}


@attrs.frozen
class Late:
    """An argument computed from the supervisor's instance when the child starts."""

    compute: Callable[[Any], Any]


def late(compute: Callable[[Any], T]) -> T:
    """An argument of a declared child that is computed at each start of the child.

    Args:
        compute: Gets the supervisor's instance: ``child(Ledger)(late(lambda bank: bank.path))``.
    """
    value: Any = Late(compute)
    result: T = value
    return result


@attrs.frozen
class Template(Generic[P, M, T]):
    """A child's class and policy, waiting for its constructor arguments."""

    actor: Any
    spec: ChildSpec

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Declare the child: the attribute is its ref on the supervisor's instances.

        Args:
            args: Constructor arguments; earlier declarations and ``late`` values may stand in.
            kwargs: Likewise.
        """
        declaration: Any = Declaration(self.actor, self.spec, (args, kwargs))
        result: T = declaration
        return result


@overload
def child(  # type: ignore[overload-overlap]  # a supervisor is reached by its handle
    cls: Callable[P, S],
    *,
    restart: Restart = ...,
    shutdown: float | None = ...,
    backoff: Backoff | None = ...,
    significant: bool = ...,
) -> Template[P, Never, S]: ...


@overload
def child(
    cls: Callable[P, Behaviour[M]],
    *,
    restart: Restart = ...,
    shutdown: float | None = ...,
    backoff: Backoff | None = ...,
    significant: bool = ...,
) -> Template[P, M, Ref[M]]: ...


def child(
    cls: Any,
    *,
    restart: Restart = "permanent",
    shutdown: float | None = None,
    backoff: Backoff | None = None,
    significant: bool = False,
) -> Any:
    """Declare a child of a ``Supervisor``: policy first, then the constructor's arguments.

    Args:
        cls: An actor or supervisor class.
        restart: ``permanent``, ``transient`` or ``temporary``.
        shutdown: Seconds for its handler, then for ``on_stop``; None: as the class says.
        backoff: How long to wait before restarts; None: as the class says.
        significant: Its normal end ends the supervisor.

    Raises:
        ValueError: A policy value is out of range.
        TypeError: ``cls`` is not a concrete actor class.
    """
    blueprint = vars(cls).get("__blueprint__")
    if blueprint is None:
        raise TypeError(f"{cls!r} is not a concrete actor class")
    own = blueprint.options.spec
    spec = ChildSpec(
        restart,
        own.shutdown if shutdown is None else shutdown,
        own.backoff if backoff is None else backoff,
        significant,
    )
    return Template(cls, spec)
