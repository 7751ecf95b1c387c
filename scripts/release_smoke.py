#!/usr/bin/env python3
"""Would a release work? Build the wheel, install it in a fresh environment and use it as a person would.

    python scripts/release_smoke.py                 # everything
    python scripts/release_smoke.py --skip-tests    # all but the test suite
    python scripts/release_smoke.py --only serve    # one step and what it needs

Steps: wheel, environment, tests, migrations, demo, serve, container. Each is printed with its time; the
first that fails ends the run with exit code 1 and the end of its output. A step that cannot be done here
is named as skipped, with the reason. Needs nothing but Python, pip and (for the tests) the ``dev`` extra.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT_S = 10.0
HEALTH_TIMEOUT_S = 30.0
TAIL_LINES = 60


class StepFailed(Exception):
    """A step did not do what it should; the text is what a person needs to see."""


class StepSkipped(Exception):
    """A step cannot be done on this machine; the text says why."""


@dataclass
class Smoke:
    """One run: where it works and what it was asked to do."""

    folder: Path
    options: argparse.Namespace
    cleanups: list[Callable[[], None]] = field(default_factory=list)

    @property
    def python(self) -> Path:
        """The interpreter of the fresh environment."""
        return self.folder / "env" / "bin" / "python"

    def room(self, name: str) -> Path:
        """A folder of one step, far from the checkout, so that nothing is imported from there."""
        room = self.folder / name
        room.mkdir(parents=True, exist_ok=True)
        return room


def call(*command: object, cwd: Path, timeout_s: float = 300.0) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        StepFailed: It ended with another code than 0, or not in time.
    """
    words = [str(word) for word in command]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ORKET_", "PYTHON"))}
    try:
        ran = subprocess.run(
            words, cwd=cwd, env=clean, timeout=timeout_s, text=True, errors="replace", check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise StepFailed(f"{' '.join(words)}: not done after {timeout_s:.0f} s") from late
    except OSError as error:
        raise StepFailed(f"{words[0]}: {error.strerror}") from error
    if ran.returncode:
        tail = "\n".join(ran.stdout.splitlines()[-TAIL_LINES:])
        raise StepFailed(f"{' '.join(words)}: exit code {ran.returncode}\n{tail}")
    return ran.stdout


# --- the steps, in order; each returns one line about what it saw ---


def build_wheel(smoke: Smoke) -> str:
    dist = smoke.room("dist")
    call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", dist, CHECKOUT, cwd=smoke.folder)
    (wheel,) = dist.glob("orket-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("actors/py.typed", "orket/py.typed", "orket/__main__.py"):
        if needed not in names:
            raise StepFailed(f"{wheel.name} lacks {needed}")
    if strays := [name for name in names if name.startswith(("tests/", "docs/", "scripts/", "benchmarks/"))]:
        raise StepFailed(f"{wheel.name} holds {strays[0]}")
    return f"{wheel.name}, {len(names)} files"


def install_wheel(smoke: Smoke) -> str:
    call(sys.executable, "-m", "venv", smoke.folder / "env", cwd=smoke.folder)
    (wheel,) = smoke.room("dist").glob("orket-*.whl")
    constraints = CHECKOUT / "constraints.txt"
    call(smoke.python, "-m", "pip", "install", "-q", wheel, "-c", constraints, cwd=smoke.folder)
    where = "import orket; print(orket.__version__, orket.__file__)"
    version, file = call(smoke.python, "-c", where, cwd=smoke.folder).split()
    if not Path(file).is_relative_to(smoke.folder):
        raise StepFailed(f"the wheel is shadowed by {file}")
    return f"orket {version}"


def run_tests(smoke: Smoke) -> str:
    """Run the gate with the interpreter of this script: it has the ``dev`` extra or the step fails."""
    del smoke
    output = call(sys.executable, "-m", "pytest", "tests/", "-q", cwd=CHECKOUT, timeout_s=900)
    return output.rstrip().rpartition("\n")[2]


def migrate(smoke: Smoke) -> str:
    database = Path(smoke.options.runtime_db or smoke.room("migrations") / "runtime.db").resolve()
    script = CHECKOUT / "scripts" / "run_migrations.py"
    words = (smoke.python, script, "--db", database)
    first = call(*words, cwd=smoke.room("migrations"))
    if not database.exists():
        raise StepFailed(f"no database at {database}\n{first}")
    call(*words, cwd=smoke.room("migrations"))  # a second time there is nothing to do, and no error
    return first.rstrip().rpartition("\n")[2]


def demo(smoke: Smoke) -> str:
    room = smoke.room("demo")
    started = time.monotonic()
    output = call(smoke.python.with_name("orket"), "demo", cwd=room)
    if not output.strip():
        raise StepFailed("the demo printed nothing")
    return f"exit code 0, {time.monotonic() - started:.1f} s, {len(output.splitlines())} lines"


def serve(smoke: Smoke) -> str:
    room, port = smoke.room("serve"), free_port()
    with (room / "log.txt").open("wb") as log:
        server = subprocess.Popen(
            [smoke.python.with_name("orket"), "serve", "--port", str(port)],
            cwd=room, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    smoke.cleanups.append(lambda: end_process(server))
    try:
        seen = [
            f"{path} 200" for path in ("/livez", "/readyz", "/openapi.json") if healthy(port, path, server)
        ]
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        code = server.wait(STOP_TIMEOUT_S)
    except (StepFailed, subprocess.TimeoutExpired) as error:
        raise StepFailed(f"{error}\n{(room / 'log.txt').read_text(errors='replace')}") from error
    if code:
        raise StepFailed(f"exit code {code} on SIGTERM\n{(room / 'log.txt').read_text(errors='replace')}")
    return f"{', '.join(seen)}; SIGTERM: exit code 0 after {time.monotonic() - started:.1f} s"


def container(smoke: Smoke) -> str:
    engine = find_engine()
    if engine is None:
        if smoke.options.require_docker:
            raise StepFailed("no container engine answers, and --require-docker was given")
        raise StepSkipped("no container engine answers here (docker and podman were tried)")
    if not smoke.options.require_docker and (missing := base_out_of_reach(engine)):
        raise StepSkipped(f"{engine} has no {missing} and cannot fetch it here")
    tag, port = smoke.options.docker_image_tag, smoke.options.docker_port or free_port()
    call(engine, "build", "-t", tag, CHECKOUT, cwd=CHECKOUT, timeout_s=900)
    served = ("orket", "serve", "--port", port)  # on loopback, hence the host's network
    name = call(engine, "run", "-d", "--network", "host", tag, *served, cwd=smoke.folder).strip()
    smoke.cleanups.append(lambda: end_container(engine, name))
    try:
        healthy(port, "/livez", None, smoke.options.docker_health_timeout_sec)
    except StepFailed as error:
        raise StepFailed(f"{error}\n{call(engine, 'logs', name, cwd=smoke.folder)}") from error
    user = call(engine, "exec", name, "id", "-u", cwd=smoke.folder).strip()
    if user == "0":
        raise StepFailed("the container runs as root")
    return f"{tag} answers on {port} as user {user}"


STEPS: dict[str, tuple[Callable[[Smoke], str], tuple[str, ...]]] = {
    "wheel": (build_wheel, ()),
    "environment": (install_wheel, ("wheel",)),
    "tests": (run_tests, ()),
    "migrations": (migrate, ("wheel", "environment")),
    "demo": (demo, ("wheel", "environment")),
    "serve": (serve, ("wheel", "environment")),
    "container": (container, ()),
}


# --- what the steps stand on ---


def free_port() -> int:
    """Find a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def healthy(
    port: int, path: str, server: subprocess.Popen[bytes] | None, timeout_s: float = HEALTH_TIMEOUT_S
) -> bool:
    """Ask a path until it answers 200.

    Raises:
        StepFailed: It did not in time, or the server ended.
    """
    deadline, last = time.monotonic() + timeout_s, "nothing"
    while time.monotonic() < deadline:
        if server is not None and server.poll() is not None:
            raise StepFailed(f"the server ended with {server.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                json.loads(answer.read() or b"null")
                return True
        except (OSError, ValueError, urllib.error.URLError) as error:
            last = str(error)
        time.sleep(0.2)
    raise StepFailed(f"{path} did not answer 200 within {timeout_s:.0f} s (last: {last})")


def find_engine() -> str | None:
    """Find a container engine that answers, not only a client that is installed."""
    for name in ("docker", "podman"):
        if shutil.which(name):
            try:
                ran = subprocess.run([name, "info"], capture_output=True, timeout=30, check=False)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if ran.returncode == 0:
                return name
    return None


def base_out_of_reach(engine: str) -> str:
    """Name the first base image of the Dockerfile that is neither here nor to be had, or nothing."""
    lines = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    for image in dict.fromkeys(line.split()[1] for line in lines if line.startswith("FROM ")):
        for ask in (("image", "inspect", image), ("pull", image)):
            ran = subprocess.run([engine, *ask], capture_output=True, timeout=300, check=False)
            if ran.returncode == 0:
                break
        else:
            return image
    return ""


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a process this script started, and its children, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end_container(engine: str, name: str) -> None:
    """Remove a container this script started."""
    subprocess.run([engine, "rm", "-f", name], capture_output=True, check=False)


def chosen(options: argparse.Namespace) -> list[str]:
    """List the steps to do, in order: those asked for and what they need, less those skipped."""
    skipped = {
        "tests": options.skip_tests,
        "migrations": options.skip_migrations,
        "container": options.skip_docker,
    }
    wanted = set(options.only or STEPS)
    wanted |= {needed for name in wanted for needed in STEPS[name][1]}
    return [name for name in STEPS if name in wanted and not skipped.get(name)]


def say(text: str) -> None:
    print(f"[release-smoke] {text}", flush=True)


def run_steps(smoke: Smoke) -> bool:
    """Do the steps; False at the first that fails."""
    for name in chosen(smoke.options):
        started = time.monotonic()
        try:
            outcome = f"ok: {STEPS[name][0](smoke)}"
        except StepSkipped as skipped:
            outcome = f"skipped: {skipped}"
        except StepFailed as failed:
            say(f"{name:<12} {time.monotonic() - started:6.1f} s  FAILED: {failed}")
            return False
        say(f"{name:<12} {time.monotonic() - started:6.1f} s  {outcome}")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Would a release work?")
    parser.add_argument("--only", action="append", choices=list(STEPS), help="this step and what it needs")
    parser.add_argument("--skip-tests", action="store_true")
    parser.add_argument("--skip-migrations", action="store_true")
    parser.add_argument("--skip-docker", action="store_true")
    parser.add_argument("--require-docker", action="store_true", help="no container engine is a failure")
    parser.add_argument(
        "--runtime-db", default="", help="database for the migrations (default: a temporary one)"
    )
    parser.add_argument("--docker-image-tag", default="orket:release-smoke")
    parser.add_argument("--docker-port", type=int, default=0, help="port on loopback (default: a free one)")
    parser.add_argument("--docker-health-timeout-sec", type=float, default=60.0)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # clean up on the way out
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="orket-smoke-") as folder:
        smoke = Smoke(Path(folder), options)
        try:
            good = run_steps(smoke)
        finally:
            for clean in reversed(smoke.cleanups):
                clean()
    say(f"{'SUCCESS' if good else 'FAILURE'} after {time.monotonic() - started:.1f} s")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
