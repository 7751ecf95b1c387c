"""Children in numbers: ``dynamic`` ones that come and go, and ``pool``s of equal ones."""

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import attrs

from actors._cell import Cell
from actors._pool import PoolRef, Route, Team, round_robin
from actors._ref import Ref
from actors._spawn import place, spawn_cell
from actors._supervision import Intensity, Policy
from actors._supervisor import Arguments, Declaration, Supervisor, Template
from actors.errors import MailboxFull

P = ParamSpec("P")
M = TypeVar("M")


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

    def at(self, name: str, *args: P.args, **kwargs: P.kwargs) -> Ref[M]:
        """The running child of this name, started if there is none: an entity with a key.

        Args:
            name: The key.
            args: Its constructor's arguments, when it has to be started.
            kwargs: Likewise.

        Raises:
            NotRunning: The supervisor is not running; nothing was started.
            MailboxFull: ``children_max`` children run; nothing was started.
        """
        found = self.get(name)
        return found if found is not None else self.named(name).spawn(*args, **kwargs)

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


class PoolDeclaration(CrowdDeclaration):
    """A ``pool`` attribute of a supervisor class."""

    def __init__(self, member: Declaration, size: int, route: Route, policy: Policy) -> None:
        super().__init__(Template(member.actor, member.spec), policy, size)
        self.member = member
        self.route = route

    def place(self, parent: Cell) -> Cell:
        """Make the pool's cell and its members'."""
        cell = super().place(parent)
        cell.extra = Team(self.route)
        for number in range(1, self.children_max + 1):
            member = place(cell, self.member.actor, self._resolve, str(number), self.member.spec)
            member.static = True
        return cell

    def _resolve(self, cell: Cell, look: Callable[[Cell | None], Any]) -> Arguments:
        # Late values and siblings belong to the supervisor that declares the pool.
        assert cell.parent is not None
        assert cell.parent.parent is not None
        owner = cell.parent.parent
        return self.member.settled(owner, look(owner))

    def handle(self, parent: Cell) -> Any:
        """The ref behind which the members are."""
        return PoolRef(self.cell(parent))


def pool(
    member: Ref[M],
    size: int,
    *,
    route: Route = round_robin,
    intensity: Intensity = (3, 5.0),
) -> Ref[M]:
    """Declare several equal children behind one ref.

    Args:
        member: ``child(Tool)(...)``: how each member is made.
        size: How many; at least 1.
        route: ``round_robin``, ``smallest_mailbox``, ``by_key(...)`` or ``broadcast``.
        intensity: Restarts allowed within seconds, over all members together.

    Raises:
        TypeError: ``member`` is not a declaration.
        ValueError: ``size`` is below 1.
    """
    declaration: Any = member
    if not isinstance(declaration, Declaration):
        raise TypeError("pool takes child(...)(...), not a ref")
    if size < 1:
        raise ValueError(f"a pool has at least 1 member, not {size}")
    made: Any = PoolDeclaration(declaration, size, route, Policy("one_for_one", intensity))
    result: Ref[M] = made
    return result


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
