"""What a command's container is made of: an empty root, and the list of refused system calls."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from orket.infrastructure.sandboxes import seccomp

REPOSITORY = "orket/root"
# ``/sbin`` is no link, because engines put their own first process there.
_FOLDERS = ("dev", "etc", "proc", "run", "sbin", "sys", "tmp", "usr", "var")
_LINKS = ("bin", "lib", "lib32", "lib64", "libx32")
_OWN_ETC = Path(__file__).with_name("etc")
_ANY = 0xFFFFFFFF
_FAMILIES_MAX = 64


def root_archive() -> bytes:
    """Make the archive of an empty root: the places to mount things at, links as on this machine."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in _FOLDERS:
            archive.addfile(_entry(name, tarfile.DIRTYPE))
        for name in _LINKS:
            if os.path.islink(f"/{name}"):
                archive.addfile(_entry(name, tarfile.SYMTYPE, os.readlink(f"/{name}")))
        for name in ("passwd", "group"):
            content = (_OWN_ETC / name).read_bytes()
            entry = _entry(f"etc/{name}", tarfile.REGTYPE)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def tag_of(archive: bytes) -> str:
    """Name an archive by its content."""
    return hashlib.sha256(archive).hexdigest()[:12]


def _entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname = kind, 0o755, target
    return entry


@cache
def profile() -> str:
    """Write the refused system calls as engines want them: JSON, everything else allowed.

    The same list as bubblewrap's (``seccomp``); the engine knows the numbers of each machine itself.
    """
    rules = [
        _rule(seccomp.refused_names(), errno.EPERM),
        _rule(seccomp.ABSENT_NAMES, errno.ENOSYS),
        *(
            _rule(names, errno.EPERM, at, bit, bit)
            for at, names in seccomp.MODE_ARGUMENTS
            for bit in (0o2000, 0o4000)
        ),
        *(_rule(("clone",), errno.EPERM, 0, bit, bit) for bit in _bits(seccomp.NEW_NAMESPACES)),
        *(_rule(("ioctl",), errno.EPERM, 1, _ANY, one) for one in seccomp.TERMINAL_INPUT),
        *(
            _rule(("socket", "socketpair"), errno.EAFNOSUPPORT, 0, _ANY, family)
            for family in range(_FAMILIES_MAX)
            if family not in seccomp.FAMILIES
        ),
    ]
    return msgspec.json.encode({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}).decode()


def _bits(mask: int) -> Iterable[int]:
    return (1 << at for at in range(32) if mask >> at & 1)


def _rule(
    names: Iterable[str], why: int, at: int | None = None, mask: int = 0, value: int = 0
) -> dict[str, object]:
    rule: dict[str, object] = {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": int(why)}
    if at is not None:
        rule["args"] = [{"index": at, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}]
    return rule
