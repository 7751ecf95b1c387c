"""The engine's outside world under simulation: clock, names, ledger, and a model of the cards.

For use inside ``actors.testing.simulate``: time is the simulation's, and faults come from it.
What needs Hypothesis is in ``orket.testing.hypothesis``.
"""

from orket.testing.cards import CardModel, Move
from orket.testing.clock import CountedIds, SimulatedClock
from orket.testing.ledger import SimulatedLedger

__all__ = ["CardModel", "CountedIds", "Move", "SimulatedClock", "SimulatedLedger"]
