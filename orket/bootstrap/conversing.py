"""The supervision tree of conversations, apart from the engine's: neither restarts the other."""

from __future__ import annotations

from actors import ActorSystem, Ref, Supervisor, child, late
from orket.bootstrap.house import House
from orket.decision_nodes.registry import Nodes
from orket.domain.ports import Ledger
from orket.infrastructure.clock import RandomIds
from orket.orchestration.messages import EngineCommand, SessionMessage, SystemCommand
from orket.orchestration.talking import ConversationRoom, Conversations
from orket.settings import Settings


class Conversing(Supervisor, strategy="one_for_one", intensity=(5, 30.0)):
    """The root of what keeps conversations."""

    def __init__(self, room: ConversationRoom) -> None:
        self.room = room

    conversations = child(Conversations, shutdown=5)(late(lambda root: root.room))


def keep_conversations(
    system: ActorSystem,
    settings: Settings,
    ledger: Ledger,
    house: House,
    nodes: Nodes,
    engine: Ref[EngineCommand | SystemCommand],
) -> Ref[SessionMessage]:
    """Start the keeper of conversations."""
    room = ConversationRoom(
        ledger=ledger,
        ids=RandomIds(),
        engine=engine,
        model=lambda name: house.model(name, nodes),
        default_model=settings.model,
    )
    return system.named("conversing").supervise(Conversing, room).conversations
