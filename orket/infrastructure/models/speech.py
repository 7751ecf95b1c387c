"""What the protocols of model servers have in common: a question written, an answer heard piece by piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import attrs
import msgspec

from orket.domain.errors import ModelError
from orket.domain.models import (
    CallDelta,
    FinishReason,
    ModelReply,
    ModelRequest,
    ProposedCall,
    TextDelta,
    Usage,
)
from orket.domain.repetition import TAIL_CHARS

REPLY_CHARS_MAX = 1_000_000
CALLS_MAX = 256
COMPLAINT_CHARS_MAX = 500

T = TypeVar("T")
JsonObject = Mapping[str, object]


class Listener(Protocol):
    """One answer being heard. Its owner feeds it until ``over``."""

    answer: Answer

    def hear(self, data: str) -> str:
        """Take the next event, and return the text it adds to the answer (often none).

        Whoever watches takes ``answer.fresh``, where calls are as well.

        Raises:
            ModelError: The server reports an error, or what it says cannot be understood.
        """
        ...


class Speech(Protocol):
    """A protocol of model servers; stateless."""

    path: str
    lines: bool

    def headers(self, key: str) -> Mapping[str, str]:
        """Write what proves who asks; nothing for an empty key."""
        ...

    def body(self, model: str, request: ModelRequest) -> JsonObject:
        """Write the question.

        Raises:
            ModelError: ``bad_request``: it cannot be asked in this protocol.
        """
        ...

    def listener(self, request: ModelRequest) -> Listener:
        """Begin to listen to one answer."""
        ...


@attrs.define
class CallBeingWritten:
    """A tool call of which more may come."""

    name: str = ""
    ref: str = ""
    arguments: list[str] = attrs.field(factory=list)


@attrs.define
class Answer:
    """What was heard of one answer so far.

    ``finished`` once its reason to stop was told, ``over`` once nothing more can come; ``tail`` is the end of
    everything heard, text and arguments. ``fresh`` is what came since it was emptied last, for watchers.
    """

    model: str = ""
    finish: FinishReason = FinishReason.STOP
    usage: Usage | None = None
    over: bool = False
    finished: bool = False
    chars: int = 0
    tail: str = ""
    fresh: list[TextDelta | CallDelta] = attrs.field(factory=list)
    _texts: list[str] = attrs.field(factory=list)
    _calls: dict[int, CallBeingWritten] = attrs.field(factory=dict)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    def say(self, text: str) -> str:
        """Add text, and give it back.

        Raises:
            ModelError: ``protocol``: the answer is longer than any answer may be.
        """
        if text:
            self._grow(text)
            self._texts.append(text)
            self.fresh.append(TextDelta(text))
        return text

    def call(self, index: int) -> CallBeingWritten:
        """Find the call of an index, or begin it.

        Raises:
            ModelError: ``protocol``: there are more calls than any answer may have.
        """
        if index not in self._calls and len(self._calls) >= CALLS_MAX:
            raise garbled(f"more than {CALLS_MAX} tool calls in one answer")
        return self._calls.setdefault(index, CallBeingWritten())

    def argue(self, index: int, part: str, *, shown: bool = False) -> None:
        """Add to a call's arguments; ``shown`` when watchers had them before.

        Raises:
            ModelError: As ``say`` and ``call``.
        """
        self._grow(part)
        call = self.call(index)
        call.arguments.append(part)
        if not shown:
            self.show(index, call.name, part)

    def show(self, index: int, tool: str, part: str) -> None:
        """Let watchers see a part of a call; it is no part of the answer yet."""
        if part:
            self.fresh.append(CallDelta(index, tool, part))

    def reply(self, usage: Usage) -> ModelReply:
        """Close the answer; ``usage`` counts when the server has not counted."""
        calls = tuple(
            ProposedCall(name=one.name, arguments_json="".join(one.arguments) or "{}", ref=one.ref)
            for _, one in sorted(self._calls.items())
        )
        spent = self.usage or usage
        return ModelReply(text=self.text, calls=calls, finish=self.finish, usage=spent, model=self.model)

    def _grow(self, part: str) -> None:
        self.chars += len(part)
        self.tail = (self.tail + part)[-TAIL_CHARS:]
        if self.chars > REPLY_CHARS_MAX:
            raise garbled(f"an answer of more than {REPLY_CHARS_MAX} characters")


def understood(data: str, kind: type[T]) -> T:
    """Read an event.

    Raises:
        ModelError: ``protocol``: it is not what this protocol's servers say.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise garbled(f"{error}: {data[:80]!r}") from error


def garbled(what: str) -> ModelError:
    """Complain about what a server said."""
    return ModelError(
        f"the model server says what cannot be understood: {what}", code="protocol", retryable=True
    )


def raw(text: str) -> msgspec.Raw:
    """Embed JSON text as it is.

    Raises:
        ModelError: ``bad_request``: it is not JSON.
    """
    try:
        msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise ModelError(f"not JSON: {error}", code="bad_request", retryable=False) from error
    return msgspec.Raw(text.encode())


_REFUSED = frozenset({"content_filter", "refusal", "safety"})
_QUOTA = frozenset({"insufficient_quota", "billing_error"})
_KINDS: Sequence[tuple[frozenset[str], str, bool]] = (
    (_QUOTA, "quota", False),
    (frozenset({"rate_limit_error", "rate_limit_exceeded"}), "rate_limit", True),
    (frozenset({"overloaded_error", "server_is_overloaded", "unavailable_error"}), "overloaded", True),
    (frozenset({"authentication_error", "permission_error", "invalid_api_key"}), "auth", False),
    (frozenset({"not_found_error", "model_not_found"}), "not_found", False),
    (
        frozenset({"invalid_request_error", "exceed_context_size_error", "context_length_exceeded"}),
        "bad_request",
        False,
    ),
    (frozenset({"timeout_error"}), "timeout", True),
    (_REFUSED, "refused", False),
)


def refused(reason: str) -> ModelError:
    """Tell that the server withheld the answer."""
    text = f"the model server withheld the answer ({reason}); ask for something else"
    return ModelError(text, code="refused", retryable=False)


def complaint(words: Sequence[str], message: str, status: int = 0) -> ModelError:
    """Type an error that a server reports, by the words it names it with and, after them, its HTTP status."""
    code, retryable = next(
        ((code, again) for known, code, again in _KINDS if known & set(words)), by_status(status)
    )
    told = " ".join(message.split())[:COMPLAINT_CHARS_MAX] or "no reason given"
    where = f" (HTTP {status})" if status else ""
    return ModelError(f"the model server refuses{where}: {told}", code=code, retryable=retryable)


def by_status(status: int) -> tuple[str, bool]:
    """Type an HTTP status: code, and whether asking again may help."""
    match status:
        case 401 | 403:
            return "auth", False
        case 402:
            return "quota", False
        case 404 | 405 | 410:
            return "not_found", False
        case 408:
            return "timeout", True
        case 409 | 425 | 429:
            return "rate_limit", True
        case 503 | 529:
            return "overloaded", True
        case _ if 400 <= status < 500:
            return "bad_request", False
        case _ if status == 0 or status >= 500:
            return "server", True
        case _:
            return "protocol", False
