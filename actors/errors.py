"""Every error of the runtime.

::

    ActorsError
    ├── DeliveryError        certainly not handled: safe to send again
    │   ├── NotRunning
    │   ├── MailboxFull
    │   └── AskCycle
    ├── ReplyError           may have been handled
    │   ├── AskTimeout       (also a TimeoutError)
    │   ├── NoReply
    │   └── Crashed
    ├── Reject               a refusal, delivered to the asker
    ├── StartFailed
    ├── RestartLimit
    ├── Killed
    └── MutatedMessage
"""

from collections.abc import Sequence


class ActorsError(Exception):
    """Root of every error this package raises."""


class DeliveryError(ActorsError):
    """The message was certainly not handled; sending it again is safe.

    Attributes:
        path: Path of the actor the message was for.
    """

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text)
        self.path = path


class NotRunning(DeliveryError):
    """Raised by ``ask``, ``offer`` and ``spawn``, at once, when the target has stopped or stops."""


class MailboxFull(DeliveryError):
    """Raised by ``ask`` when the target's mailbox refuses or later drops the message."""


class AskCycle(DeliveryError):
    """Raised by ``ask`` and ``offer`` before sending, when waiting would close a cycle of waits.

    Attributes:
        cycle: Paths in the order of waiting, the first one repeated at the end.
        messages: The messages waited for, one per step of the cycle.
    """

    def __init__(self, cycle: Sequence[str], messages: Sequence[object]) -> None:
        super().__init__(f"{' → '.join(cycle)}, waiting for {list(messages)!r}", cycle[-1])
        self.cycle: tuple[str, ...] = tuple(cycle)
        self.messages: tuple[object, ...] = tuple(messages)


class ReplyError(ActorsError):
    """No reply came; the message may have been handled.

    Attributes:
        path: Path of the actor that was asked.
    """

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text)
        self.path = path


class AskTimeout(ReplyError, TimeoutError):
    """Raised by ``ask`` when its ``timeout`` passes before the reply."""


class NoReply(ReplyError):
    """Raised by ``ask`` when the target lost or cut off the reply it owed."""


class Crashed(ReplyError):
    """Raised by ``ask`` when the target crashed while handling; ``__cause__`` is the original."""


class Reject(ActorsError):
    """Raised by a handler to refuse a message: the asker receives it, the actor lives on."""


class StartFailed(ActorsError):
    """An actor's constructor or ``on_start`` raised; ``__cause__`` is the original.

    Attributes:
        path: Path of the actor that could not start.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} could not start")
        self.path = path


class RestartLimit(ActorsError):
    """A supervisor gave up: more restarts than its intensity allows.

    Attributes:
        path: Path of the supervisor.
        restarts_max: Restarts allowed within the period.
        period_s: The period, in seconds.
    """

    def __init__(self, path: str, restarts_max: int, period_s: float) -> None:
        super().__init__(f"{path}: more than {restarts_max} restarts within {period_s:g} s")
        self.path = path
        self.restarts_max = restarts_max
        self.period_s = period_s


class Killed(ActorsError):
    """The reason of a crash that ``ActorSystem.kill`` caused.

    Attributes:
        path: Path of the killed actor.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was killed")
        self.path = path


class MutatedMessage(ActorsError):
    """With ``isolation="verify"``: a message changed while it was handled; a crash.

    Attributes:
        message: The message, as it is after the change.
    """

    def __init__(self, message: object) -> None:
        super().__init__(f"changed while it was handled: {message!r}")
        self.message = message
