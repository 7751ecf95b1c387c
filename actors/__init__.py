"""An embeddable actor runtime on anyio: typed messages, supervision, structured concurrency."""

from actors._actor import Actor
from actors._context import Context
from actors._crowd import Dynamic, dynamic, pool
from actors._envelope import Reply
from actors._hooks import Hooks, Probe
from actors._mailbox import Mailbox
from actors._messages import DeadLetter, Exit, Message, Request, Stream, Terminated, shared
from actors._observe import Info, Node, Statistics
from actors._pool import broadcast, by_key, round_robin, smallest_mailbox
from actors._protocol import on
from actors._ref import Ref
from actors._registry import Key, Registry
from actors._supervision import Backoff
from actors._supervisor import Supervisor, child, late
from actors._system import ActorSystem
from actors._telemetry import Telemetry
from actors._watch import TraceRecord
from actors.errors import (
    ActorsError,
    AskCycle,
    AskTimeout,
    Crashed,
    DeliveryError,
    Killed,
    MailboxFull,
    MutatedMessage,
    NoReply,
    NotRunning,
    Reject,
    ReplyError,
    RestartLimit,
    StartFailed,
)

__all__ = [
    "Actor",
    "ActorSystem",
    "ActorsError",
    "AskCycle",
    "AskTimeout",
    "Backoff",
    "Context",
    "Crashed",
    "DeadLetter",
    "DeliveryError",
    "Dynamic",
    "Exit",
    "Hooks",
    "Info",
    "Key",
    "Killed",
    "Mailbox",
    "MailboxFull",
    "Message",
    "MutatedMessage",
    "NoReply",
    "Node",
    "NotRunning",
    "Probe",
    "Ref",
    "Registry",
    "Reject",
    "Reply",
    "ReplyError",
    "Request",
    "RestartLimit",
    "StartFailed",
    "Statistics",
    "Stream",
    "Supervisor",
    "Telemetry",
    "Terminated",
    "TraceRecord",
    "broadcast",
    "by_key",
    "child",
    "dynamic",
    "late",
    "on",
    "pool",
    "round_robin",
    "shared",
    "smallest_mailbox",
]
