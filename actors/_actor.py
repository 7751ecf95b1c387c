"""The base class of actors."""

import sys
from enum import Enum
from typing import Any, ClassVar, ForwardRef, Literal, TypeVar, get_args, get_origin, get_type_hints

import attrs

from actors._context import Context
from actors._mailbox import Mailbox
from actors._messages import Exit
from actors._protocol import Behaviour, Blueprint, Options
from actors._ref import Ref
from actors._supervision import Backoff, Intensity, Restart, Strategy
from actors._table import Table, check_tables, find_handlers, lay_out

M = TypeVar("M")

#: What a class has of its own accord: nothing that runs when an instance is made.
BARE: Any = (object.__init__, object.__new__, Behaviour.__prepare_cell__.__func__)  # type: ignore[attr-defined]  # a classmethod


class Actor(Behaviour[M]):
    """An actor: ``class Account(Actor[Deposit | Balance], mailbox=Mailbox(256))``.

    Class keywords: ``mailbox``, ``restart``, ``shutdown``, ``backoff``, ``significant`` (how this
    class is treated by its supervisor), ``strategy``, ``intensity`` (how it treats its children),
    ``retry`` (times a message that crashed it is tried again), ``park`` (keep such messages for
    ``system.parked``), ``restart_on_cancel`` (a handler that was cut off leaves no state behind),
    ``idle_timeout`` (seconds without a message, at least and at most twice as many, after which it
    stops), ``states`` (an enum; it begins in the first), ``default`` (what a state does with a
    message it has no handler for: ``postpone`` or ``unhandled``; None requires every handler),
    ``threaded`` (its code runs in a thread of its own and may block).

    Raises:
        TypeError: At class definition: a message of the protocol without a handler, a handler
            outside the protocol, two handlers for one message, or a message that is not deeply
            immutable.
    """

    ctx: Context[M]
    __options__: ClassVar[Options] = Options()
    __blueprint__: ClassVar[Blueprint]

    def __init_subclass__(
        cls,
        *,
        mailbox: Mailbox | None = None,
        restart: Restart | None = None,
        shutdown: float | None = None,
        backoff: Backoff | None = None,
        significant: bool | None = None,
        strategy: Strategy | None = None,
        intensity: Intensity | None = None,
        retry: int | None = None,
        park: bool | None = None,
        restart_on_cancel: bool | None = None,
        idle_timeout: float | None = None,
        states: type[Enum] | None = None,
        default: Literal["postpone", "unhandled"] | None = None,
        threaded: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        base = cls.__options__
        spec = _given(restart=restart, shutdown=shutdown, backoff=backoff, significant=significant)
        policy = _given(strategy=strategy, intensity=intensity)
        given = _given(
            mailbox=mailbox,
            retry=retry,
            park=park,
            restart_on_cancel=restart_on_cancel,
            idle_timeout=idle_timeout,
            states=states,
            default=default,
            threaded=threaded,
        )
        cls.__options__ = attrs.evolve(
            base,
            spec=attrs.evolve(base.spec, **spec),
            policy=attrs.evolve(base.policy, **policy),
            **given,
        )
        protocol = find_protocol(cls)
        if protocol is not None:
            cls.__blueprint__ = draw(cls, protocol)

    async def on_start(self) -> None:
        """Called before the first message of each incarnation; raising is a failed start."""

    async def on_stop(self, reason: Exit) -> None:
        """Called when an incarnation that started ends, whatever the reason, children gone.

        It has ``shutdown`` seconds, then it is cut off. Raising is reported, and stops nothing.
        """

    def become(self, state: Enum) -> None:
        """Change the state from the next message on; what was postponed is handled first.

        Raises:
            ValueError: Not a state of this actor.
            NotRunning: This incarnation has ended.
        """
        self.ctx.become(state)

    @classmethod
    def __handle__(cls, cell: Any) -> Any:
        return Ref(cell)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def find_protocol(actor: type[Any]) -> Any:
    """The argument of ``Actor[...]`` among the bases; None for an abstract class."""
    for base in actor.__mro__:
        for generic in vars(base).get("__orig_bases__", ()):
            origin = get_origin(generic)
            if isinstance(origin, type) and issubclass(origin, Behaviour):
                argument = get_args(generic)[0]
                if not isinstance(argument, TypeVar):
                    return resolved(argument, base)
    return None


def resolved(argument: Any, base: type[Any]) -> Any:
    """A protocol that was written as a string, looked up in the module of its class."""
    if not isinstance(argument, ForwardRef):
        return argument
    holder = type("Holder", (), {"__annotations__": {"protocol": argument}})
    try:
        return get_type_hints(holder, vars(sys.modules[base.__module__]))["protocol"]
    except NameError as error:
        raise TypeError(f"{base.__qualname__}: cannot resolve its protocol: {error}") from error


def draw(actor: type[Any], protocol: Any) -> Blueprint:
    """Check an actor class and make its blueprint."""
    options = actor.__options__
    tables = lay_out(actor, find_handlers(actor), options)
    check_tables(actor, protocol, tables, options)
    has_start = actor.on_start is not Actor.on_start
    has_stop = actor.on_stop is not Actor.on_stop
    plain = not (has_start or has_stop or options.threaded or options.states or options.idle_timeout)
    own = (actor.__init__, actor.__new__, actor.__prepare_cell__.__func__)
    return Blueprint(
        actor=actor,
        name=actor.__name__.lower(),
        options=options,
        handlers=frozenset(message for table in tables.values() for message in table),
        tables=tables,
        fast={state: _fast(table, options) for state, table in tables.items()},
        initial=next(iter(tables)),
        has_start=has_start,
        has_stop=has_stop,
        prompt=not (has_start or options.threaded),
        light=plain and not (options.retry or options.park),
        blank=plain and not options.spec.significant and own == BARE,
    )


def _fast(table: Table, options: Options) -> dict[type[Any], Any]:
    """The handlers that need nothing but to be called."""
    if options.threaded:
        return {}
    return {message: handler.function for message, handler in table.items() if handler.simple}
