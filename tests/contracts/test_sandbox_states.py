"""Each line that a level states, and each end a command can have, is tried by a test: the table of which."""

from __future__ import annotations

import pytest

from orket.domain.ports import SandboxDriver
from orket.domain.sandboxes import CommandEnd
from orket.infrastructure.sandboxes import compose
from orket.infrastructure.sandboxes.process import MEMORY_STATE
from tests.contracts import test_compose_projects as projects
from tests.contracts import test_sandbox_commands as commands
from tests.contracts.escapes import ATTEMPTS, KEPT
from tests.contracts.sandbox_drivers import probed, working
from tests.orket.infrastructure.sandboxes import test_groups as groups

pytestmark = pytest.mark.anyio

# What tries to break a statement: tests over the drivers, or the kinds of the corpus of ways out.
COMMANDS = {
    "wall-clock limit": (commands.test_the_wall_clock_limit_ends_the_tree,),
    "CPU limit per process": (commands.test_the_cpu_limit,),
    "address-space limit per process": (commands.test_the_address_space_limit,),
    "file-size limit": (commands.test_the_file_size_limit,),
    "output limit": (
        commands.test_a_flood_of_output_is_drained_and_bounded,
        commands.test_output_of_exactly_the_limit_is_whole,
    ),
    "limit of processes per command, looked at 20 times a second": (commands.test_the_limit_of_processes,),
    "limit of processes per command, kept by the kernel": (commands.test_the_limit_of_processes,),
    "memory of all its processes together, looked at 20 times a second": (
        commands.test_memory_of_many_processes_together_is_looked_at,
    ),
    MEMORY_STATE: (groups.test_the_memory_of_a_command_is_bounded_as_a_whole,),
    "no process outlives its command or the engine": (
        commands.test_no_descendant_gets_away,
        commands.test_processes_that_run_away_by_forking_are_caught,
        commands.test_cancelling_kills_and_waits,
        commands.test_nothing_survives_an_engine_that_is_killed,
    ),
}
# The lines of level 3 have tests that only run where there is a container engine; that they exist is known.
CONTAINED = {
    "CPU limit per process, and a share of the processors per command": (
        commands.test_the_cpu_limit,
        projects.test_a_command_has_the_bounds_that_are_stated,
    ),
    "memory of all its processes together, kept by a control group": (
        commands.test_the_address_space_limit,
        commands.test_memory_of_many_processes_together_is_looked_at,
        projects.test_a_command_has_the_bounds_that_are_stated,
    ),
    "limit of processes per command, kept by a control group": (
        commands.test_the_limit_of_processes,
        projects.test_a_command_has_the_bounds_that_are_stated,
    ),
    "by podman: a command that is ended for want of memory is told as killed (signal 9)": (
        commands.test_the_address_space_limit,
    ),
    "by podman: commands see HOSTNAME, TERM and container in their environment": (
        commands.test_the_environment_is_scrubbed,
    ),
}
KINDS = {
    "no capabilities, no further namespaces, dangerous system calls refused": {
        "powers",
        "namespaces",
        "kernel",
    },
    "nothing outside the workspace can be written": {"files", "links"},
    "of the system only programs, libraries and the interpreter can be read": {"files", "proc", "sys"},
    "no capabilities, and none to gain": {"powers"},
    "no TCP": {"network"},
    "no signals and abstract sockets out of it": {"signals", "sockets"},
    "no network": {"network", "sockets"},
    "other processes are invisible": {"proc", "signals", "ptrace"},
    "no powers over the host: another user, no capabilities, no further namespaces": {"powers", "namespaces"},
    "dangerous system calls refused": {"kernel", "namespaces", "ptrace"},
}
ENDS = {
    CommandEnd.OK: commands.test_a_command_reads_its_input_and_answers,
    CommandEnd.NONZERO: commands.test_a_failure_of_the_command_is_a_result,
    CommandEnd.TIMEOUT: commands.test_the_wall_clock_limit_ends_the_tree,
    CommandEnd.MEMORY: commands.test_the_address_space_limit,
    CommandEnd.LIMIT: commands.test_the_file_size_limit,
    CommandEnd.CANCELED: commands.test_closing_ends_what_runs_as_canceled,
}


@pytest.mark.parametrize("kind", commands.DRIVERS[:3], ids=lambda one: one.name)
def test_each_line_that_a_level_states_is_tried(kind: type[SandboxDriver]) -> None:
    driver = working(kind)
    for line in probed(kind).states:
        kinds = KINDS.get(line, set())
        tried = [one for one in ATTEMPTS if one.kind in kinds and one.levels[driver.level] == KEPT]
        assert COMMANDS.get(line) or tried, f"{driver.name} states {line!r}, and nothing tries to break it"
        assert {one.kind for one in tried} == kinds, f"{driver.name}: {line!r}"


@pytest.mark.parametrize("line", [*compose.STATES, *compose.PODMAN_STATES])
def test_each_line_that_the_compose_level_states_is_tried(line: str) -> None:
    kinds = KINDS.get(line, set())
    tried = {one.kind for one in ATTEMPTS if one.kind in kinds and one.levels[3] == KEPT}
    assert tried == kinds
    assert CONTAINED.get(line) or COMMANDS.get(line) or tried, (
        f"compose states {line!r}, and nothing tries it"
    )


def test_the_table_says_nothing_that_no_level_states() -> None:
    stated = {line for kind in commands.DRIVERS[:3] for line in probed(kind).states} | {MEMORY_STATE}
    stated |= {*compose.STATES, *compose.PODMAN_STATES}
    assert CONTAINED.keys() <= stated
    missing = (COMMANDS.keys() | KINDS.keys()) - stated
    assert not missing or not all(probed(kind).ok for kind in commands.DRIVERS[:3])


def test_each_end_is_brought_about_by_a_test() -> None:
    assert set(ENDS) == set(CommandEnd)
