"""The floor below all floors: a plain method call, with nothing between caller and state."""

from benchmarks.actors.candidates.orket import Add, Total
from benchmarks.actors.watch import Watch, expect


class Box:
    """The state that an actor would own."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, message: Add) -> None:
        self.total += message.amount

    def answer(self, message: Total) -> int:
        return self.total


async def tell(count: int, watch: Watch) -> None:
    message, box = Add(1), Box()
    with watch:
        for _ in range(count):
            box.add(message)
    expect(box.total, count)


async def ask(count: int, watch: Watch) -> None:
    total, box = Total(), Box()
    with watch:
        for _ in range(count):
            box.answer(total)
