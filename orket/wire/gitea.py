"""What a Gitea server sends about pull requests, as far as it is read, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.pull_requests import Happening, PullRequestEvent

_ACTIONS: Mapping[str, Happening] = MappingProxyType(
    {
        "opened": Happening.OPENED,
        "synchronized": Happening.PUSHED,
        "reopened": Happening.REOPENED,
        "closed": Happening.CLOSED,
    }
)
_VERDICTS: Mapping[str, Happening] = MappingProxyType(
    {
        "pull_request_review_approved": Happening.APPROVED,
        "pull_request_approved": Happening.APPROVED,
        "approved": Happening.APPROVED,
        "pull_request_review_rejected": Happening.CHANGES_REQUESTED,
        "pull_request_rejected": Happening.CHANGES_REQUESTED,
        "changes_requested": Happening.CHANGES_REQUESTED,
    }
)
PULL_REQUEST = "pull_request"

Name = Annotated[str, Meta(min_length=1, max_length=255)]


class GiteaUser(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, by login."""

    login: Name


class GiteaRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository, as ``owner/name``."""

    full_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]


class GiteaPullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request."""

    title: Annotated[str, Meta(max_length=1024)] = ""
    user: GiteaUser | None = None
    state: str = "open"
    merged: bool = False


class GiteaReview(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict; ``type`` says which, in the words of the event's name."""

    type: Annotated[str, Meta(max_length=64)] = ""
    content: str = ""


class GiteaDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event about a pull request; what is not read is passed over."""

    action: Annotated[str, Meta(max_length=64)]
    number: Annotated[int, Meta(ge=1, le=2**53)]
    pull_request: GiteaPullRequest
    repository: GiteaRepository
    sender: GiteaUser
    review: GiteaReview | None = None


class GiteaAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of a delivery; the same on every repetition is ``repeated``, without a response."""

    delivery: str
    response: str
    detail: str = ""
    cycle: int = 0


def pull_request_event(delivery_id: str, name: str, told: GiteaDelivery) -> PullRequestEvent:
    """Translate a delivery; ``name`` is the event's name from the header."""
    return PullRequestEvent(
        delivery_id=delivery_id,
        repository=told.repository.full_name,
        number=told.number,
        happening=_happening(name, told),
        title=told.pull_request.title,
        author=told.pull_request.user.login if told.pull_request.user else "",
        actor=told.sender.login,
        reason=told.review.content if told.review else "",
        is_open=told.pull_request.state == "open",
    )


def _happening(name: str, told: GiteaDelivery) -> Happening:
    if told.review is not None or name != PULL_REQUEST:
        kind = told.review.type if told.review is not None and told.review.type else name
        return _VERDICTS.get(kind, Happening.OTHER)
    found = _ACTIONS.get(told.action, Happening.OTHER)
    return Happening.MERGED if found is Happening.CLOSED and told.pull_request.merged else found
