"""Keyed randomness: the same key draws the same number, in every process and on every backend."""

from functools import lru_cache
from hashlib import blake2b

MASK = (1 << 64) - 1


@lru_cache(maxsize=65_536)
def fingerprint(name: str) -> int:
    """64 bits for a name; unlike ``hash``, the same in every process."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def mix(seed: int, name: int, occurrence: int) -> int:
    """64 well-mixed bits for a key. A linear mix (a CRC) would make neighbouring seeds alike."""
    bits = (seed * 0x9E3779B97F4A7C15 + name + occurrence * 0xD1B54A32D192ED03) & MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return bits ^ (bits >> 31)


def share(seed: int, name: int, occurrence: int) -> float:
    """A number in [0, 1) for a key."""
    return mix(seed, name, occurrence) / (MASK + 1)
