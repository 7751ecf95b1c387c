"""A list of system calls that a command is refused, as a filter program for the kernel.

No library is needed: the program is classic BPF, eight bytes an instruction. Calls that no build, test or
interpreter needs are refused, and those by which others have left a namespace before. Set-user-id bits are
refused because a workspace may belong to a mightier user than the one the command runs as; socket families
other than the four ordinary ones because not all of them are kept apart by a network namespace.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable
from functools import cache

ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16

NEW_NAMESPACES = 0x7E020080
_SET_ID_BITS = 0o6000
TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into the terminal of somebody else
FAMILIES = (1, 2, 10, 16)  # UNIX, INET, INET6, NETLINK

# Numbers since Linux 5.0 are the same everywhere.
_SHARED = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "open_tree_attr": 467,
}
_REFUSED = {
    "x86_64": {
        "ptrace": 101,
        "syslog": 103,
        "vhangup": 153,
        "modify_ldt": 154,
        "pivot_root": 155,
        "chroot": 161,
        "acct": 163,
        "settimeofday": 164,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "swapoff": 168,
        "reboot": 169,
        "iopl": 172,
        "ioperm": 173,
        "init_module": 175,
        "delete_module": 176,
        "quotactl": 179,
        "lookup_dcookie": 212,
        "clock_settime": 227,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "migrate_pages": 256,
        "unshare": 272,
        "move_pages": 279,
        "perf_event_open": 298,
        "fanotify_init": 300,
        "name_to_handle_at": 303,
        "open_by_handle_at": 304,
        "clock_adjtime": 305,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "kcmp": 312,
        "finit_module": 313,
        "kexec_file_load": 320,
        "bpf": 321,
        "userfaultfd": 323,
    },
    "aarch64": {
        "lookup_dcookie": 18,
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "chroot": 51,
        "vhangup": 58,
        "quotactl": 60,
        "acct": 89,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "clock_settime": 112,
        "syslog": 116,
        "ptrace": 117,
        "reboot": 142,
        "settimeofday": 170,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "swapoff": 225,
        "migrate_pages": 238,
        "move_pages": 239,
        "perf_event_open": 241,
        "fanotify_init": 262,
        "name_to_handle_at": 264,
        "open_by_handle_at": 265,
        "clock_adjtime": 266,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "kcmp": 272,
        "finit_module": 273,
        "bpf": 280,
        "userfaultfd": 282,
        "kexec_file_load": 294,
    },
}
# Their arguments are behind a pointer, where no filter can look; the C library falls back to older calls.
_ABSENT = {"clone3": 435, "openat2": 437}
# Number of the call, and which argument is the mode.
_MODES = {
    "x86_64": {2: 2, 83: 1, 85: 1, 90: 1, 91: 1, 133: 1, 257: 3, 258: 2, 259: 2, 268: 2, 452: 2},
    "aarch64": {33: 2, 34: 2, 52: 1, 53: 2, 56: 3, 452: 2},
}
# The same by name: which argument of which calls is the mode.
MODE_ARGUMENTS = (
    (1, ("mkdir", "creat", "chmod", "fchmod", "mknod")),
    (2, ("open", "mkdirat", "mknodat", "fchmodat", "fchmodat2")),
    (3, ("openat",)),
)
ABSENT_NAMES = tuple(_ABSENT)
_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_IOCTL = {"x86_64": 16, "aarch64": 29}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
_OTHER_ABI = 0x40000000


def machine() -> str:
    """Name this machine's kind, as the tables here do."""
    return os.uname().machine


def refused_names() -> tuple[str, ...]:
    """Name the calls that are refused whatever their arguments, on every machine that is known here."""
    return tuple(sorted({*_SHARED, *(name for one in _REFUSED.values() for name in one)}))


@cache
def program(kind: str) -> bytes:
    """Make the filter for a kind of machine; empty when its numbers are not known here."""
    if kind not in _ARCH:
        return b""
    refused = {**_REFUSED[kind], **_SHARED}.values()
    lines = [
        _line(LOAD, ARCH_AT),
        _line(EQUAL, _ARCH[kind], 1, 0),
        _line(RETURN, KILL),
        _line(LOAD, NUMBER_AT),
    ]
    if kind == "x86_64":
        lines += [_line(AT_LEAST, _OTHER_ABI, 0, 1), _refuse(errno.ENOSYS)]
    for number in refused:
        lines += [_line(EQUAL, number, 0, 1), _refuse(errno.EPERM)]
    for number in _ABSENT.values():
        lines += [_line(EQUAL, number, 0, 1), _refuse(errno.ENOSYS)]
    for number, argument in _MODES[kind].items():
        lines += _when(number, argument, [_line(ANY_BIT, _SET_ID_BITS, 0, 1), _refuse(errno.EPERM)])
    lines += _when(_CLONE[kind], 0, [_line(ANY_BIT, NEW_NAMESPACES, 0, 1), _refuse(errno.EPERM)])
    lines += _when(_IOCTL[kind], 1, _one_of(TERMINAL_INPUT, errno.EPERM))
    for number in (_SOCKET[kind], _SOCKETPAIR[kind]):
        lines += _when(number, 0, _none_of(FAMILIES, errno.EAFNOSUPPORT))
    return b"".join([*lines, _line(RETURN, ALLOW)])


def _line(code: int, value: int, when: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, when, otherwise, value)


def _refuse(why: int) -> bytes:
    return _line(RETURN, REFUSE | why)


def _when(number: int, argument: int, checks: list[bytes]) -> list[bytes]:
    """Judge one call by the low half of one argument; whatever the checks let pass is allowed."""
    body = [_line(LOAD, ARGUMENTS_AT + 8 * argument), *checks, _line(RETURN, ALLOW)]
    return [_line(EQUAL, number, 0, len(body)), *body]


def _one_of(values: Iterable[int], why: int) -> list[bytes]:
    return [line for one in values for line in (_line(EQUAL, one, 0, 1), _refuse(why))]


def _none_of(values: Iterable[int], why: int) -> list[bytes]:
    return [
        *(line for one in values for line in (_line(EQUAL, one, 0, 1), _line(RETURN, ALLOW))),
        _refuse(why),
    ]
