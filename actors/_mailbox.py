"""Options of a mailbox."""

from collections.abc import Callable, Hashable
from typing import Any, Literal

import attrs

OnFull = Literal["reject", "drop_oldest", "coalesce"]


def _positive(_: object, attribute: "attrs.Attribute[int]", value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, not {value}")


@attrs.frozen
class Mailbox:
    """How many messages may wait for an actor, and what happens to the next one.

    Attributes:
        capacity: Messages that may wait; at least 1.
        on_full: ``reject`` refuses the newest (a tell becomes a dead letter, an ask raises
            ``MailboxFull``); ``drop_oldest`` drops the message that waited longest;
            ``coalesce`` replaces the waiting message of the same ``key``, and refuses without one.
        key: For ``coalesce``: what makes two messages the same.

    Raises:
        ValueError: A capacity below 1, or ``key`` and ``on_full`` do not belong together.
    """

    capacity: int = attrs.field(default=1024, validator=_positive)
    on_full: OnFull = "reject"
    key: Callable[[Any], Hashable] | None = None

    def __attrs_post_init__(self) -> None:
        if self.on_full not in ("reject", "drop_oldest", "coalesce"):
            raise ValueError(f"unknown on_full: {self.on_full!r}")
        if (self.on_full == "coalesce") != (self.key is not None):
            raise ValueError("coalesce needs a key, and only coalesce takes one")
