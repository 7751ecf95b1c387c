"""The launcher's part in a bubblewrap sandbox: lay the places out, give up root, set the limits.

bubblewrap started by the real root keeps powers over the host, whatever it drops. So a launcher that is root
makes a mount namespace of its own and lays every place that the command may see out in it; bubblewrap is
started by a user that nobody else is. The workspace is shown to that user as his own by an *id-mapped mount*:
on the disk its files keep their owner, so nothing has to be handed back, not even after a power failure.
Standard library only; what a caller hands in is a ``Jail`` as a flat list of words.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache

from orket.infrastructure.sandboxes import seccomp
from orket.infrastructure.sandboxes.limiting import set_limits

USER_BASE = 1_900_000_000  # far above what systems give out; the launcher's pid makes it one of a kind
USERS_EACH = 32  # per warm launcher
ETC = "/etc"
STAGE = "/tmp"  # in a mount namespace of our own
READ, WRITE = "--ro-bind", "--bind"
OWN = "--own"  # to be written, and the sandbox user's own already

_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_PRIVATE_ALL = 0x40000 | 0x4000
_NO_SET_ID_NO_DEVICES = 2 | 4
_OPEN_TREE, _MOVE_MOUNT, _SET_ATTRIBUTES = 428, 429, 442
_CLONE, _RECURSIVE, _FROM_FD, _EMPTY_PATH, _CLOSE = 1, 0x8000, 4, 0x1000, os.O_CLOEXEC
_ID_MAPPED, _HERE = 0x00100000, -100


Place = tuple[str, str, str]  # how, source, target


class Unprepared(OSError):
    """The jail could not be prepared; the text says at which step."""


def arguments(words: list[str]) -> tuple[str, list[str], list[Place], list[str]]:
    """Take a jail apart: program, first options, places (how, source, target), last options."""
    program, first, places = words[0], int(words[1]), int(words[2])
    rest = words[3:]
    flat = rest[first : first + 3 * places]
    return (
        program,
        rest[:first],
        [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)],
        rest[first + 3 * places :],
    )


class Gate:
    """The pipes of one bubblewrap: it tells its child and how that ended, and waits to be let on.

    Args:
        limits: What its child is bounded by before it is let on, see ``set_limits``. The kernel counts the
            processes in the sandbox's own user namespace, from nought.
        group: Where its child is to join a control group; -1: nowhere.
        stage: Who it runs as; None: the user that this process is.
    """

    def __init__(self, limits: list[int], group: int, stage: Stage | None) -> None:
        self._limits, self._group, self._stage = limits, group, stage
        self.status, self._tell = os.pipe()
        self._wait, self._go = os.pipe()
        self._said = b""
        self._let_on = False
        os.set_blocking(self.status, False)

    def keep_ours(self) -> None:
        """When it has been started: close the other side's ends."""
        os.close(self._tell)
        os.close(self._wait)

    def options(self) -> list[str]:
        """The options that name its ends, which it inherits, and the list of refused system calls."""
        options = ["--json-status-fd", str(self._tell), "--block-fd", str(self._wait)]
        for fd in (self._tell, self._wait):
            os.set_inheritable(fd, True)
        if filtered := seccomp.program(seccomp.machine()):
            fd = os.memfd_create("calls", 0)
            os.write(fd, filtered)
            os.lseek(fd, 0, os.SEEK_SET)
            options += ["--seccomp", str(fd)]
        return options

    def heed(self) -> bool:
        """Read what bubblewrap says; let the command begin once its limit is set. False at the end."""
        over = self._read()
        if not self._let_on and (child := self._number(b'"child-pid"')) is not None:
            with suppress(ProcessLookupError):
                if self._group >= 0:
                    os.write(self._group, str(child).encode())
                with self.as_its_user():  # a root may be one who may not do this to others
                    set_limits(self._limits, child)
            os.write(self._go, b"\n")
            self._let_on = True
        return not over

    def exit_code(self) -> int | None:
        """When bubblewrap has ended: the command's exit code; None when it was never started."""
        self._read()
        return self._number(b'"exit-code"')

    def as_its_user(self) -> AbstractContextManager[None]:
        """Be meanwhile who bubblewrap is."""
        return nullcontext() if self._stage is None else self._stage.as_user()

    def line(self, words: list[str]) -> list[str]:
        """Write the command line of bubblewrap, up to the command's own."""
        program, first, places, rest = arguments(words)
        if self._stage is not None:
            *places, (_, program, _) = self._stage.shown(places_of(words))
        flat = [word for how, *place in places for word in (WRITE if how == OWN else how, *place)]
        return [program, *first, *flat, *rest, *self.options(), "--"]

    def _read(self) -> bool:
        while True:
            try:
                chunk = os.read(self.status, 4096)
            except BlockingIOError:
                return False
            if not chunk:
                return True
            self._said += chunk

    def _number(self, key: bytes) -> int | None:
        found = self._said.partition(key)[2].lstrip(b": ")
        digits = found[: len(found) - len(found.lstrip(b"0123456789"))]
        return int(digits) if digits else None


class Users:
    """The users that root's commands become, and user namespaces that say who they are on the disk.

    A namespace costs more than all the rest of a sandbox, so it is made once and kept; launchers that are
    forked from whoever keeps it inherit it. A user has one command at a time, because the kernel counts
    processes by user; only in an overlay, whose owner he is, all commands are the same user.
    """

    def __init__(self) -> None:
        self._first = USER_BASE + os.getpid() * USERS_EACH
        self._known: dict[tuple[int, int, int], int] = {}
        self._taken: dict[int, int] = {}
        self.user = self._first

    def take(self, workspace: os.stat_result) -> None:
        """Choose the user of the next launcher, and have the namespaces made that it is going to need."""
        free = (
            self._first + one for one in range(USERS_EACH) if self._first + one not in self._taken.values()
        )
        self.user = workspace.st_uid if workspace.st_uid >= USER_BASE else next(free, self._first)
        for owner, group in ((workspace.st_uid, workspace.st_gid), (os.geteuid(), os.getegid())):
            if owner < USER_BASE:
                with suppress(OSError):  # the launcher will say so
                    self.of(owner, group)

    def lend(self, pid: int) -> None:
        """Note that the user is that launcher's until it ends."""
        self._taken[pid] = self.user

    def give_back(self, pid: int) -> None:
        """Note that a launcher has ended."""
        self._taken.pop(pid, None)

    def of(self, owner: int, group: int) -> int:
        """Open the namespace in which the user is this owner; it is not to be closed."""
        key = (self.user, owner, group)
        if key not in self._known:
            self._known[key] = users_of(owner, group, self.user)
        return self._known[key]


def places_of(words: list[str]) -> list[Place]:
    """What bubblewrap will need to see; its program too may lie where the new user cannot reach."""
    program, _, places, _ = arguments(words)
    return [*places, (READ, program, "")]


class Stage:
    """Where root lays places out for a user who could not reach them: the launcher's own mount namespace.

    What all commands of a sandbox see is laid out before the command is known; its private directory follows.

    Args:
        users: Who the user is.
        scratch: The folder in which commands have their private directories.
        places: What is to be laid out now; ``.`` is where the launcher stands.

    Raises:
        Unprepared: A step failed.
    """

    def __init__(self, users: Users, scratch: str, places: list[Place]) -> None:
        self._users, self._name = users, scratch
        self._spots: dict[Place, str] = {}
        call("open a mount namespace", "unshare", _NEW_MOUNTS)
        call("keep mounts apart", "mount", None, b"/", None, _PRIVATE_ALL, None)
        self.scratch = os.open(scratch, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        cloned = [(one, self._clone(one)) for one in places if _is_bound(one)]
        call("make a stage", "mount", b"stage", STAGE.encode(), b"tmpfs", _NO_SET_ID_NO_DEVICES, b"mode=755")
        for one, tree in cloned:
            self._place(one, tree)
        os.chdir("/")

    def lay_out(self, places: list[Place]) -> None:
        """Lay out what is not laid out yet; it has to lie directly in the scratch folder."""
        for one in places:
            if _is_bound(one) and one not in self._spots:
                self._place(one, self._clone(one))

    def shown(self, places: list[Place]) -> list[Place]:
        """Say where places are laid out now; those that are none but are to be made come first.

        What belongs in ``/etc`` is one place: bubblewrap takes its time for each.
        """
        made = [one for one in places if not _is_bound(one)]
        etc = [(READ, f"{STAGE}{ETC}", ETC)] if any(map(_is_etc, places)) else []
        bound = [one for one in places if _is_bound(one) and not _is_etc(one)]
        return [*made, *etc, *((one[0], self._spots[one], one[2]) for one in bound)]

    @contextmanager
    def as_user(self) -> Iterator[None]:
        """Be the user meanwhile: a program that is started now is nobody else, and cannot become root again.

        Only this process can, by the saved ids, which a new program does not get.
        """
        user = self._users.user
        os.setgroups([])
        os.setresgid(user, user, 0)
        try:
            os.setresuid(user, user, 0)
            yield
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)

    def _clone(self, place: Place) -> int:
        how, source, _ = place
        start, name = _HERE, source
        if os.path.dirname(source) == self._name:  # the stage may lie over it
            start, name = self.scratch, os.path.basename(source)
        tree = clone_tree(name, _RECURSIVE if how == READ else 0, start)
        if how == WRITE:
            found = os.stat(tree)
            show_as(tree, self._users.of(found.st_uid, found.st_gid), source)
        return tree

    def _place(self, place: Place, tree: int) -> None:
        spot = f"{STAGE}/{len(self._spots)}"
        if _is_etc(place):
            spot = f"{STAGE}{place[2]}"
            os.makedirs(os.path.dirname(spot), 0o755, exist_ok=True)
        if stat.S_ISDIR(os.stat(tree).st_mode):
            os.mkdir(spot, 0o755)
        else:
            os.close(os.open(spot, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        place_tree(tree, spot, place[1])
        os.close(tree)
        self._spots[place] = spot


def _is_etc(place: Place) -> bool:
    return place[0] == READ and place[2].startswith(f"{ETC}/")


def _is_bound(place: Place) -> bool:
    return place[0] in (READ, WRITE, OWN)


def clone_tree(source: str, flags: int = 0, start: int = _HERE) -> int:
    """Open a mount of its own of what lies at ``source``, seen from the folder ``start``."""
    return _syscall(f"clone {source}", _OPEN_TREE, start, os.fsencode(source), _CLONE | _CLOSE | flags)


def place_tree(tree: int, spot: str, source: str) -> None:
    """Attach a mount at ``spot``."""
    _syscall(f"place {source}", _MOVE_MOUNT, tree, b"", _HERE, os.fsencode(spot), _FROM_FD)


def show_as(tree: int, users: int, source: str) -> None:
    """Show what the owner of a tree's top owns as the user's; what he makes becomes the owner's."""
    wanted = struct.pack("=QQQQ", _ID_MAPPED, 0, 0, users)
    why = f"show {source} as another user's (its file system must know id-mapped mounts)"
    _syscall(why, _SET_ATTRIBUTES, tree, b"", _EMPTY_PATH, wanted, len(wanted))


def users_of(owner: int, group: int, user: int, *, keep_root: bool = False) -> int:
    """Open a user namespace that says: the owner is the user; ``keep_root``: and root is somebody too."""
    ready, told = os.pipe()
    hold, held = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(held)
        failed = ctypes.CDLL(None).unshare(_NEW_USERS)
        os.write(told, b"x" if failed else b".")
        os.read(hold, 1)
        os._exit(0)
    try:
        if os.read(ready, 1) != b".":
            raise Unprepared(1, "open a user namespace")
        for kind, inner in (("uid_map", owner), ("gid_map", group)):
            with open(f"/proc/{pid}/{kind}", "w") as file:
                root = f"\n{0 if inner else user} 0 1" if keep_root else ""
                file.write(f"{inner} {user} 1{root}")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for fd in (held, hold, ready, told):
            os.close(fd)
        os.waitpid(pid, 0)


def call(step: str, name: str, *given: object) -> int:
    """Call a function of the C library.

    Raises:
        Unprepared: It failed; the text begins with ``step``.
    """
    return _checked(step, getattr(libc(), name)(*given))


@cache
def libc() -> ctypes.CDLL:
    """Open the C library, once."""
    return ctypes.CDLL(None, use_errno=True)


def _syscall(step: str, *given: object) -> int:
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in given]
    return _checked(step, libc().syscall(*words))


def _checked(step: str, answer: int) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise Unprepared(code, f"{step}: {os.strerror(code)}")
    return answer
