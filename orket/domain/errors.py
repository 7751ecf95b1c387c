"""Every error of Orket, in one tree.

::

    OrketError
    ├── SettingsError            a setting, a decision node or an environment variable is not usable
    │   └── UnknownNode          a decision node was named that nobody registered
    ├── AssetError               a card, role, team … file cannot be used; names file and JSON pointer
    ├── CardError
    │   ├── CardNotFound
    │   ├── DependencyCycle
    │   └── StateMachineError
    │       ├── InvalidTransition
    │       ├── WaitReasonRequired
    │       └── PermissionDenied
    ├── RunError
    │   ├── RunNotFound
    │   ├── SessionNotFound      no conversation, or no message or proposal of it, has that name
    │   ├── SessionConflict      the conversation cannot go on as it is
    │   ├── RunConflict          the run is in a state that does not allow the command
    │   ├── RunChanged           the run has gone on since the caller looked
    │   ├── RunDenied            the admission rule refused the run
    │   ├── IdempotencyConflict  one key, two different commands
    │   ├── SessionNotFound      no conversation has that id, or it lacks that message or proposal
    │   └── SessionConflict      the conversation cannot go on as it is
    ├── ModelError               the model could not answer; ``retryable`` says whether trying again helps
    │   └── ModelTimeout         the whole answer took longer than who asked allows
    ├── ToolError                a tool could not do what it was asked; ``code`` is stable
    ├── ForgeError               the server of the repositories could not be reached or refused
    ├── McpError                 an MCP server cannot be had; nothing acted
    │   └── McpLost              its session was lost while a call was under way, which may have acted
    ├── SandboxError             the sandbox could not be set up or reached (never a command's own failure)
    │   ├── SandboxUnavailable
    │   ├── SandboxNotFound      no project sandbox, or no service of it, has that name
    │   ├── SandboxConflict      the sandbox is in a state that does not allow the command
    │   └── StackUnsupported     a project sandbox was asked for with a stack that no template makes
    ├── MemoryNotFound           nothing is remembered under that number, or not any more
    └── StoreError
        ├── StoreLocked          another engine owns this database
        └── StoreCorrupt
"""

from __future__ import annotations

from collections.abc import Sequence


class OrketError(Exception):
    """Root of everything Orket raises on purpose."""

    @property
    def detail(self) -> str:
        """What happened, as one sentence for a person."""
        return str(self)


class SettingsError(OrketError):
    """A setting is missing, malformed or contradicts another one."""


class UnknownNode(SettingsError):
    """A decision node was selected that is not registered.

    Args:
        family: The node family's key, for example ``planner_node``.
        name: The name that was asked for.
        known: The names that are registered, sorted.
    """

    def __init__(self, family: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"{family}: no node named {name!r}; known: {', '.join(known)}")
        self.family, self.name, self.known = family, name, tuple(known)


class AssetError(OrketError):
    """An asset file is missing, unreadable or invalid; raised before anything starts.

    Args:
        file: The file as the user would name it.
        pointer: JSON pointer (RFC 6901) to the offending value, empty for the whole document.
        reason: What is wrong and what would be right.
    """

    def __init__(self, file: str, pointer: str, reason: str) -> None:
        super().__init__(f"{file}{'#' + pointer if pointer else ''}: {reason}")
        self.file, self.pointer, self.reason = file, pointer, reason


class CardError(OrketError):
    """A card is missing or a card command breaks a rule."""


class CardNotFound(CardError):
    """No card of that id is part of the run or the asset."""


class DependencyCycle(CardError):
    """Cards wait for each other in a circle; ``cycle`` lists the ids, first repeated last.

    ``where`` names the file that says so, when there is one.
    """

    def __init__(self, cycle: Sequence[str], *, where: str = "") -> None:
        super().__init__(f"{where}{': ' if where else ''}dependency cycle: {' → '.join(cycle)}")
        self.cycle, self.where = tuple(cycle), where


class StateMachineError(CardError):
    """A requested status change is against the law of the card state machine."""


class InvalidTransition(StateMachineError):
    """The table has no such arrow; ``allowed`` lists the statuses that are possible."""

    def __init__(self, card_type: str, current: str, requested: str, allowed: Sequence[str]) -> None:
        options = ", ".join(allowed) if allowed else "none, it is final"
        super().__init__(f"Invalid transition for {card_type}: {current} -> {requested} (allowed: {options})")
        self.allowed = tuple(allowed)


class WaitReasonRequired(StateMachineError):
    """The target status means waiting, and a wait reason is missing."""


class PermissionDenied(StateMachineError):
    """The acting roles may not make this change."""


class RunError(OrketError):
    """A command about a run cannot be carried out."""


class RunNotFound(RunError):
    """No run has that id."""


class SessionNotFound(RunError):
    """No conversation has that id, or it has no such message or proposal."""


class SessionConflict(RunError):
    """The conversation cannot go on as it is; nothing was recorded, or what was is said."""


class RunConflict(RunError):
    """The run's status does not allow the command; ``allowed`` lists the commands that are."""

    def __init__(self, detail: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)


class RunChanged(RunError):
    """The run has newer events than the caller knew of; nothing was done."""


class RunDenied(RunError):
    """The admission rule refused to start the run."""


class IdempotencyConflict(RunError):
    """An idempotency key came back with another command."""


_UNREACHABLE = {"circuit_open", "connection", "idle_timeout", "overloaded", "server", "timeout"}
_ELSEWHERE = frozenset(_UNREACHABLE | {"auth", "not_found", "quota", "rate_limit"})
BEYOND_REPAIR = frozenset({"auth", "bad_request", "not_found", "quota"})
"""Codes of a model's failure that neither another attempt nor another prompt mends: a person has to."""


class ModelError(OrketError):
    """The model could not answer.

    Args:
        detail: What happened.
        code: Stable word: ``timeout``, ``idle_timeout``, ``connection``, ``protocol``, ``auth``,
            ``not_found``, ``bad_request``, ``rate_limit``, ``quota``, ``overloaded``, ``server``,
            ``circuit_open``, ``refused``, ``repetition``, ``truncated``, ``unreadable``,
            ``script_exhausted``, ``recording``.
        retryable: Whether the same request may succeed later.
        retry_after_s: How long the server wants to be left alone, when it said so.
        usage: Input and output tokens that were spent all the same, as told by the server or estimated.
        elsewhere: Whether another model may well answer; by default as the code says.
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        retryable: bool,
        retry_after_s: float | None = None,
        usage: tuple[int, int] = (0, 0),
        elsewhere: bool | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.retryable, self.retry_after_s = code, retryable, retry_after_s
        self.usage = usage
        self.elsewhere = code in _ELSEWHERE if elsewhere is None else elsewhere


class ModelTimeout(ModelError):
    """The whole answer took longer than who asked allows; given longer, it may come."""

    def __init__(self, detail: str, *, usage: tuple[int, int] = (0, 0)) -> None:
        super().__init__(detail, code="timeout", retryable=True, usage=usage)


class ToolError(OrketError):
    """A tool could not do what it was asked; becomes a result for the model, never a crash.

    Args:
        detail: What happened, for the model and a person.
        code: Stable word: ``not_found``, ``bad_arguments``, ``too_large``, ``denied``, ``failed`` …
        hint: What to try instead.
    """

    def __init__(self, detail: str, *, code: str = "failed", hint: str = "") -> None:
        super().__init__(detail)
        self.code, self.hint = code, hint


class ForgeError(OrketError):
    """The forge did not do as it was asked; with ``retryable`` it may, another time. It may have heard."""

    def __init__(self, detail: str, *, retryable: bool) -> None:
        super().__init__(detail)
        self.retryable = retryable


class McpError(OrketError):
    """An MCP server cannot be had, or refuses; nothing acted."""


class McpLost(McpError):
    """An MCP server was lost while it was asked: it may have acted."""


class SandboxError(OrketError):
    """The sandbox could not be set up or reached: infrastructure, never the command's own failure."""


class SandboxUnavailable(SandboxError):
    """No allowed sandbox level works here; ``remedy`` says what to install or allow."""

    def __init__(self, detail: str, *, remedy: str = "") -> None:
        super().__init__(f"{detail}; {remedy}" if remedy else detail)
        self.remedy = remedy


class SandboxNotFound(SandboxError):
    """No project sandbox, or no service of it, has that name; nothing was done."""


class SandboxConflict(SandboxError):
    """The project sandbox's state does not allow the command; nothing was done."""


class StackUnsupported(SandboxError):
    """No template makes this stack; ``known`` lists those that there are. Nothing was registered."""

    def __init__(self, stack: str, known: Sequence[str]) -> None:
        super().__init__(f"stack {stack!r} is not supported; known: {', '.join(known)}")
        self.stack, self.known = stack, tuple(known)


class MemoryNotFound(OrketError):
    """Nothing is remembered under that number, or not any more; nothing was done."""


class StoreError(OrketError):
    """The ledger cannot be opened, read or written."""


class StoreLocked(StoreError):
    """Another engine owns this database; ``socket`` is where it answers, when it said so."""

    def __init__(self, detail: str, *, socket: str | None = None) -> None:
        super().__init__(detail)
        self.socket = socket


class StoreCorrupt(StoreError):
    """The database does not hold what this version of Orket wrote."""
