"""The peers: where each comes from and what it needs."""

from pathlib import Path
from typing import Final, NamedTuple


class Peer(NamedTuple):
    """One other actor library."""

    name: str
    distribution: str
    module: str
    #: Lowest Python it installs on.
    python: tuple[int, int] = (3, 11)
    #: Not installed or measured unless it is named.
    optional: bool = False


PEERS: Final = (
    Peer("pykka", "pykka", "pykka_"),
    Peer("thespian", "thespian", "thespian_"),
    Peer("xoscar", "xoscar", "xoscar_"),
    Peer("tapio", "tapio-py", "tapio_"),
    Peer("fauxtp", "fauxtp", "fauxtp_"),
    Peer("papyra", "papyra", "papyra_"),
    Peer("autogen-core", "autogen-core", "autogen_"),
    Peer("casty", "casty", "casty_", python=(3, 12)),
    Peer("ray", "ray", "ray_", optional=True),
)


def select(names: list[str] | None) -> list[Peer]:
    """The peers of these names; without names, all that are not optional.

    Raises:
        ValueError: A name is unknown.
    """
    if names is None:
        return [peer for peer in PEERS if not peer.optional]
    known = {peer.name: peer for peer in PEERS}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"unknown peer {', '.join(unknown)}; known are {', '.join(known)}")
    return [known[name] for name in names]


def interpreter(cache: Path, peer: Peer) -> Path:
    """The Python of a peer's virtual environment."""
    return cache / peer.name / "bin" / "python"
