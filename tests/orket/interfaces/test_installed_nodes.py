"""Decision nodes of an installed package decide in the running app: HTTP, sandbox and engine, each selected
by the house's rules and by the environment; ``orket nodes`` says so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orket.client import OrketClient
from orket.decision_nodes.registry import FAMILIES
from orket.wire.runs import StartRunBody
from tests.orket.kit import Bench, issue, plain

# a server in a process of its own; the loop may wait for it
SEAMS = ("api_runtime_node", "sandbox_policy_node", "engine_runtime_node")

MODULE = """
from orket.decision_nodes.api_runtime import DefaultApiRuntime
from orket.decision_nodes.engine_runtime import DefaultEngineRuntime
from orket.decision_nodes.sandbox_policy import DefaultSandboxPolicy


class Api(DefaultApiRuntime):
    def allowed_hosts(self, bound_host):
        return (*super().allowed_hosts(bound_host), "orket.example")


class Policy(DefaultSandboxPolicy):
    def sandbox_id(self, run_id):
        return f"acme-{run_id}"


class Runtime(DefaultEngineRuntime):
    def workspace(self, run_id, requested, data_dir):
        return requested or f"{data_dir}/acme/{run_id}"
"""
ENTRY_POINTS = """[orket.decision_nodes]
api_runtime_node.acme = acme_nodes:Api
sandbox_policy_node.acme = acme_nodes:Policy
engine_runtime_node.acme = acme_nodes:Runtime
"""
INFO = "acme_nodes-1.0.dist-info"


@pytest.fixture
def anyio_backend() -> str:
    """One event loop will do: the server's is its own."""
    return "asyncio"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built and installed as any other package is."""
    folder = tmp_path_factory.mktemp("package")
    wheel = folder / "acme_nodes-1.0-py3-none-any.whl"
    files = {
        "acme_nodes.py": MODULE,
        f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: acme-nodes\nVersion: 1.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/entry_points.txt": ENTRY_POINTS,
    }
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
        packed.writestr(f"{INFO}/RECORD", "".join(f"{name},,\n" for name in (*files, f"{INFO}/RECORD")))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", folder / "site", wheel], check=True, timeout=60)
    return folder / "site"


def prepared(folder: Path, way: str) -> tuple[Bench, Path]:
    """Cards of one house, whose rules also hold for the app."""
    bench = Bench(folder)
    rules = dict.fromkeys(SEAMS, "acme") if way == "process_rules" else {}
    epic = bench.epic([issue("A")], plain("A"), process_rules=rules)
    (bench.core / "organization.json").rename(bench.model / "organization.json")
    return bench, epic


def environment(site: Path, bench: Bench, way: str) -> dict[str, str]:
    ours = dict.fromkeys((f"ORKET_{seam.upper()}" for seam in SEAMS), "acme") if way == "environment" else {}
    return {
        **os.environ,
        **ours,
        "PYTHONPATH": str(site),
        "ORKET_PORT": "0",
        "ORKET_MODEL_DIR": str(bench.model),
        "ORKET_DATA_DIR": str(bench.root / "data"),
    }


@contextmanager
def serving(environ: dict[str, str], folder: Path) -> Iterator[str]:
    """Run ``orket serve``; give its address."""
    command = [sys.executable, "-m", "orket", "serve"]
    with subprocess.Popen(command, env=environ, cwd=folder, stderr=subprocess.PIPE, text=True) as popen:
        assert popen.stderr is not None
        try:
            line = popen.stderr.readline()
            found = re.search(r"http://\S+", line)
            assert found is not None, line + popen.stderr.read()
            yield found[0]
        finally:
            popen.terminate()
            popen.wait(10)


def status_for(url: str, host: str) -> int:
    request = urllib.request.Request(f"{url}/livez", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["environment", "process_rules", "default"])
async def test_each_seam_is_decided_by_the_selected_node(installed: Path, tmp_path: Path, way: str) -> None:
    bench, epic = prepared(tmp_path, way)
    environ = environment(installed, bench, way)
    with serving(environ, tmp_path) as url:
        ours = way != "default"
        assert (status_for(url, "orket.example") == 200) is ours
        async with OrketClient.connect(url=url) as client:
            run = await client.start_run(StartRunBody(target=str(epic)))
            async with client.events(run.id) as events:
                seen = [event async for event in events]
            view = await client.run(run.id)
    assert view.status == "done", view.reason
    assert view.workspace == str(tmp_path / "data" / ("acme" if ours else "workspaces") / run.id)
    assert (Path(view.workspace) / "A.txt").exists()
    named = {event.data["sandbox_id"] for event in seen if event.kind == "SandboxChanged"}
    assert named == {f"acme-{run.id}" if ours else f"sandbox-{run.id}"}


@pytest.mark.parametrize("way", ["environment", "process_rules"])
def test_orket_nodes_says_what_is_selected_and_by_whom(installed: Path, tmp_path: Path, way: str) -> None:
    bench, _ = prepared(tmp_path, way)
    command = [sys.executable, "-m", "orket", "nodes", "--json"]
    told = subprocess.run(
        command,
        env=environment(installed, bench, way),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    listed = [json.loads(line) for line in told.stdout.splitlines()]
    assert [one["family"] for one in listed] == list(FAMILIES)
    assert {
        one["family"]: (one["name"], one["by"]) for one in listed if one["name"] != "default"
    } == dict.fromkeys(SEAMS, ("acme", way))


def test_a_name_that_no_package_offers_stops_the_start_and_lists_those_there_are(
    installed: Path, tmp_path: Path
) -> None:
    bench, _ = prepared(tmp_path, "default")
    environ = environment(installed, bench, "default") | {"ORKET_API_RUNTIME_NODE": "amce"}
    command = [sys.executable, "-m", "orket", "nodes"]
    told = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    assert "ORKET_API_RUNTIME_NODE: no node named 'amce'; known: acme, default" in told.stderr
