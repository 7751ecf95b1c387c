"""Ways out of a sandbox, as data: what is tried, and what becomes of it at each level.

An attempt is a Python program that sets ``got`` when it is out; an error means that it is not. ``W`` tells it
where the things lie that the test has put outside: ``outside`` (a folder with a file ``secret`` and a socket
``sock``), ``tcp``, ``udp`` (ports of 127.0.0.1), ``abstract`` (a socket's name), ``engine`` and ``victim``
(process ids). Nothing of the host is really changed: a file is opened for writing and not written.
"""

from __future__ import annotations

from dataclasses import dataclass

OUT, KEPT, UNTRIED = "out", "kept", "not tried"


@dataclass(frozen=True)
class Attempt:
    """One way; ``levels`` are the outcomes at levels 0 to 3. ``slow`` ones wait for the long suites."""

    kind: str
    name: str
    program: str
    levels: tuple[str, str, str, str]
    slow: bool = False


_WORDS = {"o": OUT, "k": KEPT, "-": UNTRIED}


def _a(kind: str, name: str, levels: str, program: str, *, slow: bool = False) -> Attempt:
    first, second, third, fourth = (_WORDS[one] for one in levels)
    return Attempt(kind=kind, name=name, program=program, levels=(first, second, third, fourth), slow=slow)


SYSCALL = "got = libc.syscall(*[ctypes.c_long(one) for one in ({})]) >= 0"

ATTEMPTS: tuple[Attempt, ...] = (
    _a("files", "read a file outside", "okkk", "got = open(SECRET).read() == 'secret'"),
    _a("files", "open a file outside for writing", "okkk", "got = bool(open(SECRET, 'r+'))"),
    _a("files", "make a file outside", "okkk", "os.close(os.open(OUTSIDE + '/new', os.O_CREAT)); got = True"),
    _a("files", "rename a file outside", "okkk", "os.rename(SECRET, SECRET); got = True"),
    _a(
        "files",
        "move a file out of the workspace",
        "okkk",
        "touch('m'); os.rename('m', OUTSIDE + '/m'); got = 1",
    ),
    _a("files", "change the mode of a file outside", "ookk", "os.chmod(SECRET, 0o644); got = True"),
    _a("files", "truncate a file outside", "okkk", "os.truncate(OUTSIDE + '/scrap', 0); got = True"),
    _a("files", "list a folder outside", "okkk", "got = 'secret' in os.listdir(OUTSIDE)"),
    _a("files", "list the host's root", "okkk", "got = 'boot' in os.listdir('/')"),
    _a("files", "read /etc/shadow", "-kkk", "got = bool(open('/etc/shadow').read())"),
    _a("files", "open /etc/passwd for writing", "-kkk", "got = bool(open('/etc/passwd', 'r+'))"),
    _a("files", "open a system program for writing", "-kkk", "got = bool(open('/usr/bin/env', 'r+'))"),
    _a("files", "open the interpreter's library for writing", "-kkk", "got = bool(open(os.__file__, 'r+'))"),
    _a(
        "files",
        "write beside the root",
        "-kkk",
        "os.mkdir('/orket-escape'); os.rmdir('/orket-escape'); got = 1",
    ),
    _a(
        "files",
        "make a block device",
        "-kkk",
        "os.mknod('b', 0o660 | stat.S_IFBLK, os.makedev(254, 0)); got = 1",
    ),
    _a("files", "open the kernel's memory", "-kkk", "got = bool(open('/dev/mem', 'rb'))"),
    _a("files", "open the kernel's log", "-kkk", "got = bool(open('/dev/kmsg', 'rb'))"),
    _a(
        "files",
        "set-user-id bit on a file of one's own",
        "okkk",
        "touch('s'); os.chmod('s', 0o4755); got = sid('s')",
    ),
    _a(
        "files",
        "set-user-id bit at a file's making",
        "okkk",
        "os.open('t', os.O_CREAT, 0o4755); got = sid('t')",
    ),
    _a(
        "links",
        "symbolic link to a file outside",
        "okkk",
        "os.symlink(SECRET, 'l'); got = bool(open('l').read())",
    ),
    _a(
        "links",
        "symbolic link to a folder outside",
        "okkk",
        "os.symlink(OUTSIDE, 'd'); got = bool(open('d/secret'))",
    ),
    _a("links", "hard link to a file outside", "okkk", "os.link(SECRET, 'h'); got = bool(open('h').read())"),
    _a("links", "upwards by dots", "okkk", "got = bool(open('../outside/secret').read())"),
    _a("proc", "through /proc/self/root", "okkk", "got = bool(open('/proc/self/root' + SECRET).read())"),
    _a(
        "proc",
        "through /proc/self/cwd",
        "okkk",
        "got = bool(open('/proc/self/cwd/../outside/secret').read())",
    ),
    _a("proc", "through the engine's root", "-kkk", "got = bool(open(ENGINE + '/root' + SECRET).read())"),
    _a(
        "proc", "through the first process's root", "-kkk", "got = bool(open('/proc/1/root' + SECRET).read())"
    ),
    _a("proc", "through the engine's descriptors", "-okk", "got = bool(os.listdir(ENGINE + '/fd'))"),
    _a("proc", "read the engine's environment", "-kkk", "got = bool(open(ENGINE + '/environ').read())"),
    _a("proc", "open the engine's memory", "-kkk", "got = bool(open(ENGINE + '/mem', 'r+b'))"),
    _a("proc", "see the engine", "ookk", "got = os.path.isdir(ENGINE)"),
    _a(
        "proc",
        "open core_pattern for writing",
        "-kkk",
        "got = bool(open('/proc/sys/kernel/core_pattern', 'r+'))",
    ),
    _a("proc", "open sysrq-trigger for writing", "-kkk", "got = bool(open('/proc/sysrq-trigger', 'r+'))"),
    _a("proc", "open the image of the memory", "-kkk", "got = bool(open('/proc/kcore', 'rb'))"),
    _a("sys", "look at /sys", "okkk", "got = bool(os.listdir('/sys/kernel'))"),
    _a("sys", "make a control group", "-kkk", "os.mkdir('/sys/fs/cgroup/orket-escape'); got = True"),
    _a(
        "network",
        "connect to the host's loopback by TCP",
        "okkk",
        "connect(socket.AF_INET, ('127.0.0.1', W['tcp'])); got = 1",
    ),
    _a("network", "talk to the host's loopback by UDP", "ookk", "got = echoed(W['udp'])"),
    _a(
        "network",
        "listen on a TCP port",
        "okkk",
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); got = host(s)",
    ),
    _a(
        "network", "connect to a far address", "-kkk", "connect(socket.AF_INET, ('192.0.2.1', 9)); got = True"
    ),
    _a("network", "ask for a name", "--kk", "got = bool(socket.getaddrinfo('host.invalid', 9))"),
    _a("network", "see a network interface", "--kk", "got = len(socket.if_nameindex()) > 1"),
    _a("network", "raw socket", "--kk", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); got = True"),
    _a("network", "packet socket", "--kk", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); got = True"),
    _a(
        "network",
        "socket to the hypervisor",
        "--kk",
        "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM); got = True",
    ),
    _a("network", "socket into the kernel's ciphers", "--kk", "socket.socket(socket.AF_ALG, 5); got = True"),
    _a(
        "sockets", "abstract socket of the host", "okkk", "connect(socket.AF_UNIX, W['abstract']); got = True"
    ),
    _a("sockets", "socket file outside", "ookk", "connect(socket.AF_UNIX, OUTSIDE + '/sock'); got = True"),
    _a("signals", "signal the engine", "okkk", "os.kill(W['engine'], 0); got = True"),
    _a("signals", "end a process of the host", "okkk", "os.kill(W['victim'], 0); got = True"),
    _a("signals", "hold a process of the host", "ookk", "os.pidfd_open(W['victim']); got = True"),
    _a(
        "signals",
        "slow a process of the host",
        "ookk",
        "got = os.getpriority(os.PRIO_PROCESS, W['victim']) is not None",
    ),
    _a(
        "ptrace",
        "attach to a process of the host",
        "-kkk",
        "got = libc.ptrace(0x4206, W['victim'], 0, 0) == 0",
    ),
    _a("ptrace", "trace a child", "--kk", "got = libc.ptrace(0, 0, 0, 0) == 0"),
    _a("ptrace", "read another's memory", "--kk", SYSCALL.format("310, W['engine'], 0, 0, 0, 0, 0")),
    _a("namespaces", "new user namespace", "--kk", "got = libc.unshare(0x10000000) == 0"),
    _a("namespaces", "new user namespace by clone", "--kk", "got = clone(0x10000011) > 0"),
    _a("namespaces", "new mount namespace", "--kk", "got = libc.unshare(0x00020000) == 0"),
    _a("namespaces", "new network namespace", "--kk", "got = libc.unshare(0x40000000) == 0"),
    _a(
        "namespaces",
        "mount over the workspace",
        "-kkk",
        "got = libc.mount(b'x', b'.', b'tmpfs', 0, None) == 0",
    ),
    _a("namespaces", "unmount /proc", "-kkk", "got = libc.umount2(b'/proc', 2) == 0"),
    _a(
        "namespaces",
        "enter the host's mounts",
        "-kkk",
        "got = libc.setns(os.open('/proc/1/ns/mnt', 0), 0) == 0",
    ),
    _a("namespaces", "change the root", "--kk", "os.chroot('.'); got = True"),
    _a("kernel", "load a program into the kernel", "--kk", SYSCALL.format("321, 0, 0, 0")),
    _a("kernel", "rings of requests", "--kk", SYSCALL.format("425, 1, 0")),
    _a("kernel", "keyrings", "--kk", SYSCALL.format("250, 0, -3, 1")),
    _a("kernel", "performance events", "--kk", SYSCALL.format("298, 0, 0, -1, -1, 0")),
    _a("powers", "get root's powers back", "--kk", "os.setuid(0); got = int(status('CapEff'), 16) > 0"),
    _a("powers", "gain from a set-user-id program", "okkk", "got = status('NoNewPrivs') == '0'"),
    _a("powers", "capabilities", "--kk", "got = int(status('CapEff'), 16) > 0"),
    _a("powers", "change the host's name", "--kk", "socket.sethostname('escape'); got = True"),
    _a("descriptors", "descriptors of the engine", "kkkk", "got = len(os.listdir('/proc/self/fd')) > 4"),
    _a("environment", "secrets in the environment", "kkkk", "got = 'hunter2' in str(os.environ)"),
    _a(
        "environment",
        "secrets in the launcher's environment",
        "kkkk",
        "got = 'hunter2' in parents_environment()",
    ),
    _a("terminal", "open the terminal", "kkkk", "got = bool(open('/dev/tty', 'r+b', 0))"),
    _a("terminal", "type into the terminal", "kkkk", "got = typed()"),
    _a("survival", "leave a child", "kkkk", "os.fork() or time.sleep(300)"),
    _a("survival", "leave by setsid", "kkkk", "os.fork() or (os.setsid(), time.sleep(300))"),
    _a(
        "survival",
        "leave by a double fork",
        "kkkk",
        "os.fork() or os.fork() or (os.setsid(), time.sleep(300))",
    ),
    _a("survival", "be deaf to signals", "kkkk", "os.fork() or (deaf(), time.sleep(300))"),
    _a("survival", "stop one's own family", "kkkk", "os.fork() or os.killpg(0, signal.SIGSTOP)"),
    _a("bombs", "forks", "kkkk", "for n in range(300): os.fork() or time.sleep(300)\ngot = True"),
    _a("bombs", "threads", "kkkk", "threads(400); got = True"),
    _a("bombs", "memory at once", "kkkk", "got = bool(bytearray(1 << 30))"),
    _a("bombs", "memory in many processes", "kkkk", "spread(); time.sleep(5); got = True", slow=True),
    _a("bombs", "one large file", "kkkk", "open('big', 'wb').write(bytes(20_000_000)); got = True"),
    _a("bombs", "many files in the temporary folder", "--kk", "got = fill('/tmp')", slow=True),
    _a("bombs", "many files in shared memory", "--kk", "got = fill('/dev/shm')", slow=True),
    _a("bombs", "a flood of output", "kkkk", "sys.stdout.write('x' * 5_000_000)"),
    _a("bombs", "open files", "kkkk", "held = [open('/dev/null') for _ in range(2000)]; got = True"),
    _a("bombs", "processor time", "kkkk", "while True: pass", slow=True),
)

PRELUDE = """
import ctypes, fcntl, json, os, signal, socket, stat, sys, threading, time
W = json.loads(sys.argv[1])
OUTSIDE, ENGINE = W['outside'], '/proc/%d' % W['engine']
SECRET, got = OUTSIDE + '/secret', False
libc = ctypes.CDLL(None, use_errno=True)
def touch(name): open(name, 'w').close()
def sid(name): return bool(os.stat(name).st_mode & 0o4000)
def connect(family, where):
    s = socket.socket(family); s.settimeout(0.3); s.connect(where)
def echoed(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1.0)
    s.connect(('127.0.0.1', port)); s.send(b'x'); return s.recv(1) == b'x'
def host(s): return len(open('/proc/net/dev').readlines()) > 3 or W['level'] == 0
def clone(flags):
    pid = libc.syscall({'x86_64': 56}.get(os.uname().machine, 220), ctypes.c_long(flags), 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    return pid
def status(key): return [l.split()[1] for l in open('/proc/self/status') if l.startswith(key)][0]
def parents_environment(): return open('/proc/%d/environ' % os.getppid()).read()
def typed():
    for fd in (0, 1, 2):
        try: fcntl.ioctl(fd, 0x5412, b'x'); return True
        except OSError: pass
    return False
def deaf(): [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 3, 13, 15, 18, 20)]
def threads(count):
    for _ in range(count): threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
def spread():
    for _ in range(8):
        if os.fork() == 0: held = os.urandom(1 << 20) * 150; time.sleep(300)
def fill(folder):
    for n in range(60): open('%s/fill%d' % (folder, n), 'wb').write(bytes(7_000_000))
    return True
try:
    exec(compile(W['program'], 'attempt', 'exec'))
except (OSError, RuntimeError, MemoryError, AttributeError, IndexError) as error:
    sys.stderr.write(repr(error))
sys.stdout.write('\\nOUT' if got else '\\nKEPT'); sys.stdout.flush(); os._exit(0)
"""
