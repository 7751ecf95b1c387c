"""The search for a linearization agrees with brute force, has a budget, and never says a false ok."""

import itertools
import math
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.testing import Model, Operation, explain


class Register(Model[int]):
    """A register: ``("write", n)`` and ``("read",)``."""

    def initial(self) -> int:
        return 0

    def apply(self, state: int, message: Any) -> tuple[int, Any]:
        return (message[1], None) if message[0] == "write" else (state, state)


class Registers(Register):
    """One register per key, the last part of the message."""

    def key(self, message: Any) -> Any:
        return message[-1]


values = st.integers(0, 2)
spans = st.tuples(st.integers(0, 9), st.integers(1, 5))
operations = st.builds(
    lambda span, write, value, certain: Operation(
        0,
        ("write", value) if write else ("read",),
        span[0],
        span[0] + span[1] if certain else math.inf,
        None if write else value,
        certain=certain,
    ),
    spans,
    st.booleans(),
    values,
    st.sampled_from([True, True, True, False]),
)


def explained_by_force(history: list[Operation]) -> bool:
    """Try every order of every subset with all that is certain."""
    sure = [one for one in history if one.certain]
    doubtful = [one for one in history if not one.certain]
    for count in range(len(doubtful) + 1):
        for extra in itertools.combinations(doubtful, count):
            if any(fits(order) for order in itertools.permutations([*sure, *extra])):
                return True
    return False


def fits(order: tuple[Operation, ...]) -> bool:
    state = 0
    for at, one in enumerate(order):
        if any(later.returned < one.called for later in order[at + 1 :]):
            return False
        if one.message[0] == "write":
            state = one.message[1]
        elif one.certain and one.reply != state:
            return False
    return True


@settings(max_examples=300, deadline=None)
@given(st.lists(operations, max_size=5))
def test_it_agrees_with_brute_force(history: list[Operation]) -> None:
    assert bool(explain(history, Register())) == explained_by_force(history)


def test_a_violation_comes_with_a_picture() -> None:
    history = [
        Operation(0, ("write", 1), 0, 2),
        Operation(1, ("read",), 3, 4, 0),
    ]
    verdict = explain(history, Register())
    assert verdict.kind == "violated"
    assert "✗ sender 1" in verdict.picture


def test_a_spent_budget_is_unknown_and_not_ok() -> None:
    history = [Operation(at, ("write", at), 0, 100) for at in range(20)]
    history.append(Operation(99, ("read",), 101, 102, -1))
    verdict = explain(history, Register(), nodes_max=50)
    assert verdict.kind == "unknown"
    assert not verdict


def test_keys_are_checked_apart() -> None:
    history = [Operation(at, ("write", 1, at), 0, 100) for at in range(60)]
    assert explain(history, Registers(), nodes_max=200).kind == "ok"


def test_fifty_operations_of_four_clients_are_quick() -> None:
    history = []
    for at in range(50):
        client, turn = at % 4, at // 4
        span = {"called": turn * 10 + client, "returned": turn * 10 + 9}
        history.append(Operation(client, ("write", at), **span))
    last = attrs.evolve(history[-1], message=("read",), reply=history[-2].message[1])
    assert explain([*history[:-1], last], Register(), nodes_max=2000)
