"""Supervision trees as declarations: a class whose attributes are children."""

from collections.abc import Callable
from typing import Any, Generic, Never, ParamSpec, TypeVar, overload

import attrs

from actors._actor import Actor
from actors._cell import Cell
from actors._protocol import Behaviour
from actors._ref import Ref, cell_of
from actors._spawn import place, spawn_cell
from actors._supervision import Backoff, ChildSpec, Intensity, Policy, Restart
from actors.errors import MailboxFull

P = ParamSpec("P")
M = TypeVar("M")
S = TypeVar("S", bound="Supervisor")
T = TypeVar("T")


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
        return cell

    def handle(self, parent: Cell) -> Any:
        """The child's ref, or the handle of a supervisor."""
        return self.actor.__handle__(self.cell(parent))

    def cell(self, parent: Cell) -> Cell:
        """The child's cell."""
        if parent.children is None or self.name not in parent.children:
            raise AttributeError(f"{parent.path} has stopped, and {self.name} with it")
        return parent.children[self.name]

    def resolve(self, cell: Cell, supervisor: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The constructor arguments, with siblings and late values put in."""
        parent = cell.parent
        assert parent is not None

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


class Crowd(Supervisor):
    """The supervisor behind a ``dynamic`` attribute."""


class Dynamic(Generic[P, M]):
    """Children of one kind that come and go: ``engine.jobs.spawn("a.txt")``."""

    __slots__ = ("_cell", "_children_max", "_name", "_template")

    def __init__(
        self, cell: Cell, template: Template[P, M, Any], children_max: int, name: str | None
    ) -> None:
        self._cell = cell
        self._template = template
        self._children_max = children_max
        self._name = name

    def spawn(self, *args: P.args, **kwargs: P.kwargs) -> Ref[M]:
        """Start one more child.

        Args:
            args: Its constructor's arguments.
            kwargs: Likewise.

        Raises:
            NotRunning: The supervisor is not running; nothing was started.
            ValueError: The name is taken; nothing was started.
            MailboxFull: ``children_max`` children run; nothing was started.
        """
        cell = self._cell
        if len(cell.children or ()) >= self._children_max:
            raise MailboxFull(f"{cell.path} has {self._children_max} children", cell.path)
        template = self._template
        return Ref(spawn_cell(cell, template.actor, (args, kwargs), self._name, template.spec))

    def named(self, name: str) -> "Dynamic[P, M]":
        """The same, with a name for the next child."""
        return Dynamic(self._cell, self._template, self._children_max, name)

    def get(self, name: str) -> Ref[M] | None:
        """The running child of this name, if there is one."""
        cell = (self._cell.children or {}).get(name)
        return Ref(cell) if cell is not None else None

    def __len__(self) -> int:
        return len(self._cell.children or ())


class CrowdDeclaration(Declaration):
    """A ``dynamic`` attribute of a supervisor class."""

    def __init__(self, template: Template[Any, Any, Any], policy: Policy, children_max: int) -> None:
        super().__init__(Crowd, Crowd.__options__.spec, ((), {}))
        self.template = template
        self.policy = policy
        self.children_max = children_max

    def place(self, parent: Cell) -> Cell:
        """Make the cell of the supervisor that holds the children."""
        cell = super().place(parent)
        options = attrs.evolve(cell.blueprint.options, policy=self.policy)
        cell.blueprint = attrs.evolve(cell.blueprint, options=options)
        return cell

    def handle(self, parent: Cell) -> Any:
        """What spawns and finds the children."""
        return Dynamic(self.cell(parent), self.template, self.children_max, None)


def dynamic(
    template: Template[P, M, Ref[M]],
    *,
    intensity: Intensity = (3, 5.0),
    children_max: int = 100_000,
) -> Dynamic[P, M]:
    """Declare children of one kind that are started at run time.

    Args:
        template: ``child(Job, restart="temporary")``, not yet called with arguments.
        intensity: Restarts allowed within seconds, over all of them together.
        children_max: How many may run at once.
    """
    declaration: Any = CrowdDeclaration(template, Policy("one_for_one", intensity), children_max)
    result: Dynamic[P, M] = declaration
    return result
