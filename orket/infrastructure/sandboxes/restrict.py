"""The launcher's part in a landlock sandbox: the command gives up what it may never get back.

Landlock, system-call list and capabilities are given up by the child itself, just before it becomes the
command; all its descendants inherit that. Standard library only. What a caller hands in is a flat list of
words: ``landlock``, the number of places, then each place twice as (how, path).
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct

from orket.infrastructure.sandboxes import seccomp
from orket.infrastructure.sandboxes.jail import Unprepared

MARK = "landlock"
READ, USE, WRITE = "read", "use", "write"

_MAKE_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICES = (1 << 6) | (1 << 11)  # making character and block devices is for nobody
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER, _DROP_BOUND = 38, 22, 2, 24
_CAPABILITIES_V3 = 0x20080522


def version() -> int:
    """Which landlock the kernel offers; 0: none."""
    answer: int = _libc().syscall(ctypes.c_long(_MAKE_RULESET), None, ctypes.c_size_t(0), _VERSION)
    return max(answer, 0)


def enter(words: list[str]) -> None:
    """Give up everything but the places.

    Raises:
        Unprepared: A step failed.
    """
    known = version()
    if not known:
        raise Unprepared(errno.ENOSYS, "this kernel offers no landlock")
    handled = _handled(known)
    rules = _make_rules(known, handled)
    for how, path in zip(words[2::2], words[3::2], strict=True):
        _allow(rules, how, path, handled)
    _checked("no new privileges", _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked("landlock", _libc().syscall(ctypes.c_long(_RESTRICT), rules, 0))
    os.close(rules)
    _drop_capabilities()
    _refuse_calls()


def _handled(known: int) -> int:
    return (1 << 13 + (known >= 2) + (known >= 3) + (known >= 5)) - 1


def _make_rules(known: int, handled: int) -> int:
    tcp = 3 if known >= 4 else 0
    apart = 3 if known >= 6 else 0  # abstract sockets and signals end at the sandbox
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    wanted = struct.pack("=QQQ", handled, tcp, apart)
    made = _libc().syscall(ctypes.c_long(_MAKE_RULESET), wanted, ctypes.c_size_t(size), 0)
    return _checked("make rules", made)


def _allow(rules: int, how: str, path: str, handled: int) -> None:
    rights = {READ: _READING, USE: _READING | _WRITE_FILE | _TRUNCATE | _IOCTL, WRITE: handled & ~_DEVICES}[
        how
    ]
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights & handled, place)
        added = _libc().syscall(ctypes.c_long(_ADD_RULE), rules, _PATH_BENEATH, rule, 0)
        _checked(f"allow {path}", added)
    finally:
        os.close(place)


def _drop_capabilities() -> None:
    """Keep root's name from meaning anything beyond its own files."""
    for number in range(64):
        if _libc().prctl(_DROP_BOUND, number, 0, 0, 0) != 0:
            break
    header = struct.pack("=Ii", _CAPABILITIES_V3, 0)
    _checked("drop capabilities", _libc().capset(header, bytes(24)))


def _refuse_calls() -> None:
    filtered = seccomp.program(seccomp.machine())
    if not filtered:
        return
    program = ctypes.create_string_buffer(filtered, len(filtered))
    listed = struct.pack("=HxxxxxxQ", len(filtered) // 8, ctypes.addressof(program))
    _checked("refuse system calls", _libc().prctl(_SECCOMP, _FILTER, listed, 0, 0))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(step: str, answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise Unprepared(code, f"{step}: {os.strerror(code)}")
    return answer
