"""A record that was written half is read as a whole."""

import attrs

from actors import Actor, ActorsError, Request, on
from actors.testing import Faults, Simulation, port_faults
from tests.testing.bugs.bug import Bug


@attrs.frozen
class Save(Request[None]):
    text: str


@attrs.frozen
class Load(Request[str]):
    pass


class File:
    """A port, and the memory adapter behind it."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    @port_faults("torn")
    async def write(self, name: str, text: str) -> None:
        self.names[name] = text

    async def rename(self, old: str, new: str) -> None:
        self.names[new] = self.names.pop(old)

    async def read(self, name: str) -> str:
        return self.names.get(name, "")


class InPlace(Actor[Save | Load], intensity=(99, 1.0)):
    def __init__(self, file: File) -> None:
        self.file = file

    @on(Save)
    async def save(self, m: Save) -> None:
        await self.file.write("data", m.text)

    @on(Load)
    async def load(self, m: Load) -> str:
        return await self.file.read("data")


class Renamed(InPlace):
    @on(Save)
    async def save(self, m: Save) -> None:
        await self.file.write("data.new", m.text)
        await self.file.rename("data.new", "data")


async def program(sim: Simulation, kind: type[InPlace]) -> None:
    records = ("", "first record", "second record")
    keeper = sim.spawn(kind, sim.fragile(File()))
    for record in records[1:]:
        try:
            await keeper.ask(Save(record))
        except ActorsError:
            continue
        assert await keeper.ask(Load()) == record
    assert await keeper.ask(Load()) in records


BUG = Bug(
    "torn_write",
    "a write that failed half way is read as a record",
    lambda sim: program(sim, InPlace),
    lambda sim: program(sim, Renamed),
    Faults(torn=["file"]),
)
