"""The supervision tree of what the forge tells, apart from the engine's: neither restarts the other."""

from __future__ import annotations

from actors import ActorSystem, Ref, Supervisor, child, late
from orket.domain.ports import Ledger
from orket.domain.pull_requests import ReviewRules
from orket.orchestration.messages import EngineCommand, HearForge, SystemCommand
from orket.orchestration.pull_requests import PullRequestRoom, PullRequests
from orket.settings import GiteaSettings


class Reviewing(Supervisor, strategy="one_for_one", intensity=(5, 30.0)):
    """The root of what keeps pull requests."""

    def __init__(self, room: PullRequestRoom) -> None:
        self.room = room

    pull_requests = child(PullRequests, shutdown=5)(late(lambda root: root.room))


def hear_pull_requests(
    system: ActorSystem, gitea: GiteaSettings, ledger: Ledger, engine: Ref[EngineCommand | SystemCommand]
) -> Ref[HearForge]:
    """Start the keeper of pull requests."""
    room = pull_request_room(gitea, ledger, engine)
    return system.named("reviewing").supervise(Reviewing, room).pull_requests


def pull_request_room(
    gitea: GiteaSettings, ledger: Ledger, engine: Ref[EngineCommand | SystemCommand]
) -> PullRequestRoom:
    """Lay out what the keeper of pull requests needs at hand."""
    from orket.infrastructure.gitea import Gitea  # its HTTP client takes longer to import than all the rest

    rules = ReviewRules(
        reviewers=frozenset(gitea.reviewers), merge=gitea.merge, run_target=gitea.run_target, lead=gitea.lead
    )
    return PullRequestRoom(
        ledger=ledger, forge=Gitea(url=gitea.url, token=gitea.token), rules=rules, engine=engine
    )
