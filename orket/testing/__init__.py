"""The engine's outside world under simulation, a whole engine in it, and the contract of a tool.

The simulated parts are for use inside ``actors.testing.simulate``: schedules, time and faults are the
simulation's. What needs Hypothesis is in ``orket.testing.hypothesis``.
"""

from orket.testing.cards import CardModel, Move
from orket.testing.clock import CountedIds, SimulatedClock
from orket.testing.engine import SimulatedEngine, simulated_engine
from orket.testing.laws import EngineLaws
from orket.testing.ledger import SimulatedLedger
from orket.testing.model import SimulatedModel, call, diligent, says
from orket.testing.sandbox import Shell, SimulatedSandbox
from orket.testing.tools import ToolContractBroken, check_tool
from orket.testing.workloads import issue, workload

__all__ = [
    "CardModel",
    "CountedIds",
    "EngineLaws",
    "Move",
    "Shell",
    "SimulatedClock",
    "SimulatedEngine",
    "SimulatedLedger",
    "SimulatedModel",
    "SimulatedSandbox",
    "ToolContractBroken",
    "call",
    "check_tool",
    "diligent",
    "issue",
    "says",
    "simulated_engine",
    "workload",
]
