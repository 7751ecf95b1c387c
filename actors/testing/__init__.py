"""Deterministic simulation of whole actor systems: schedules, virtual time, faults, and stories.

The parts that need Hypothesis are in ``actors.testing.hypothesis``.
"""

from actors.testing._faults import Faults
from actors.testing._linear import Model, Operation, Verdict, explain
from actors.testing._outcome import Outcome, Sent
from actors.testing._outside import Outside
from actors.testing._ports import port_faults
from actors.testing._probe import Probe
from actors.testing._schedule import Schedule
from actors.testing._simulate import Finding, explore, simulate
from actors.testing._simulation import Simulation
from actors.testing._story import Story
from actors.testing._sweep import sweep_cancellation
from actors.testing._world import World
from actors.testing.errors import (
    Deadlock,
    InjectedFault,
    InvariantBroken,
    Livelock,
    NotDeterministic,
    RealBlocking,
    SimulationError,
)

__all__ = [
    "Deadlock",
    "Faults",
    "Finding",
    "InjectedFault",
    "InvariantBroken",
    "Livelock",
    "Model",
    "NotDeterministic",
    "Operation",
    "Outcome",
    "Outside",
    "Probe",
    "RealBlocking",
    "Schedule",
    "Sent",
    "Simulation",
    "SimulationError",
    "Story",
    "Verdict",
    "World",
    "explain",
    "explore",
    "port_faults",
    "simulate",
    "sweep_cancellation",
]
