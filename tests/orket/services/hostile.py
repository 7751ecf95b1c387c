"""Hostile tool calls, each with what must stop it: a rule of the gate, or (``code:…``) the sandbox.

``code:`` stands for calls whose text is harmless and whose target is not: links, devices, folders. Links and
special files that the paths run into are made by ``plant``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs

from orket.domain.redaction import REDACTED

KEY = "sk-" + "a1B2" * 8
LONG = "x" * 300
DEEP = "d/" * 600 + "x"
HARMLESS = "allow"


@attrs.frozen
class Hostile:
    """One call: the tool, its arguments (or, as text, what came instead of a JSON object), what stops it."""

    tool: str
    arguments: dict[str, Any] | str
    rule: str
    offered: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        return f"{self.tool} {self.arguments!r}"[:100]


def plant(work: Path, outside: Path) -> None:
    """Lay the traps: links that lead out, a device and a pipe, a secret outside that nobody may read."""
    (outside / "plain").write_text("outside secret")
    (outside / "folder").mkdir()
    (outside / "folder" / "kept").write_text("kept")
    for name, target in LINKS.items():
        (work / name).symlink_to(target.replace("OUTSIDE", str(outside)))
    (work / "real").mkdir()
    (work / "real" / "inner").symlink_to("../../outside")
    os.mkfifo(work / "pipe")
    (work / "file").write_text("inside")
    (work / "verification").mkdir()
    (work / "verification" / "fixture.py").write_text("def verify(): ...")


LINKS = {
    "out": "OUTSIDE",
    "out-file": "OUTSIDE/plain",
    "up": "..",
    "root": "/",
    "passwd-link": "/etc/passwd",
    "self": "self",
    "device": "/dev/zero",
    "fd": "/proc/self/fd",
    "cwd": "/proc/self/cwd",
    "to-verification": "verification",
}

# What no tool may be given as a path, whatever it wants there.
PATHS = {
    # upwards
    "..": "path",
    "../x": "path",
    "../../etc/passwd": "path",
    "a/../../x": "path",
    "a/b/../../../x": "path",
    "./../x": "path",
    "x/..": "path",
    "..//x": "path",
    # absolute, and what others call absolute
    "/etc/passwd": "path",
    "//etc/passwd": "path",
    "/": "path",
    "~/.ssh/id_rsa": "path",
    "~root/x": "path",
    "C:/windows/x": "path",
    "c:x": "path",
    "\\\\server\\share": "path",
    "..\\x": "path",
    "a\\..\\..\\x": "path",
    "/dev/zero": "path",
    "/dev/stdin": "path",
    "/proc/self/environ": "path",
    # control and invisible characters
    "a\0b": "path",
    "\0": "path",
    "a\nb": "path",
    "a\rb": "path",
    "a\x1b[2Jb": "path",
    "a\x7fb": "path",
    "a\u202egpj.exe": "path",
    "a\u2066b": "path",
    "a\u200bb": "path",
    "a\u200db": "path",
    "a\ufeffb": "path",
    "a\u00adb": "path",
    "a\u2028b": "path",
    "\ue000": "path",
    # what reads as something else elsewhere
    "\uff0e\uff0e/x": "path",
    "\uff0e\uff0e\uff0fx": "path",
    "a\uff0f..\uff0fx": "path",
    "\uff0fetc\uff0fpasswd": "path",
    "a\uff3cb": "path",
    "\u2025/x": "path",
    "\u2024\u2024/x": "path",
    "cafe\u0301/x": "path",
    "\uff5eroot/x": "path",
    # empty and padded
    "": "arguments",
    " ": "path",
    " x": "path",
    "x ": "path",
    "\u3000x": "path",
    # too long
    LONG: "path",
    DEEP: "path",
    "\u00e9" * 200: "path",
    # protected, however it is written
    ".git/config": "path",
    ".GIT/config": "path",
    "a/.git/hooks/pre-commit": "path",
    ".git./config": "path",
    ".git /config": "path",
    ".git::$INDEX_ALLOCATION/config": "path",
    ".\uff47it/config": "path",
    ".hg/hgrc": "path",
    ".svn/entries": "path",
    ".orket/durable/orket.db": "path",
    ".ORKET/x": "path",
    ".env": "path",
    ".ENV": "path",
    ".env.local": "path",
    "a/.env": "path",
    ".env.": "path",
    ".ssh/authorized_keys": "path",
    # where secrets are kept
    "credentials": "secret_path",
    "a/credentials.json": "secret_path",
    "secrets.yaml": "secret_path",
    "SECRETS.YAML": "secret_path",
    "password.txt": "secret_path",
    "id_rsa": "secret_path",
    "deploy/server.pem": "secret_path",
    "server.KEY": "secret_path",
    ".aws/config": "secret_path",
    ".netrc": "secret_path",
    "home/.pgpass": "secret_path",
    ".npmrc": "secret_path",
}

# Harmless to look at, and they lead out or to what is no file.
TRAPS = {
    "out/plain": "code:outside_workspace",
    "out/folder/kept": "code:outside_workspace",
    "out-file": "code:outside_workspace",
    "up/outside/folder/kept": "code:outside_workspace",
    "root/etc/hostname": "code:outside_workspace",
    "passwd-link": "code:outside_workspace",
    "self/x": "code:outside_workspace",
    "fd/0": "code:outside_workspace",
    "cwd/x": "code:outside_workspace",
    "real/inner/folder/kept": "code:outside_workspace",
}
SPECIAL = {
    "device": "code:outside_workspace",
    "pipe": "code:not_a_file",
    "real": "code:not_a_file",
    "real/": "code:not_a_file",
    ".": "code:not_a_file",
    ".orket-tmp-0": "code:bad_arguments",
}
INTO_VERIFICATION = (
    "verification/fixture.py",
    "verification/new.py",
    "./verification/x",
    "verification//x",
    "VERIFICATION/x",
    "Verification/fixture.py",
    "verification./x",
    "verification /x",
    "\uff56erification/x",
    "verification::$DATA/x",
    "verification",
)
# Names that look like an attack and are names: they act, inside.
NAMES = (
    "%2e%2e/x",
    "..%2fx",
    "...",
    "..x",
    "x..",
    "$HOME",
    "`id`",
    "$(id)",
    "a;b",
    "-rf",
    "--",
    "nul",
    "etc/hosts",
)


def _paths() -> list[Hostile]:
    found = []
    for path, rule in PATHS.items():
        found.append(Hostile("read_file", {"path": path}, rule))
        found.append(Hostile("write_file", {"path": path, "content": "x"}, rule))
        found.append(Hostile("list_directory", {"path": path}, rule if path else "path"))
    for path, rule in TRAPS.items():
        found.append(Hostile("read_file", {"path": path}, rule))
        found.append(Hostile("write_file", {"path": path, "content": "x"}, rule))
        found.append(Hostile("list_directory", {"path": path}, rule))
    for path, rule in SPECIAL.items():
        found.append(Hostile("read_file", {"path": path}, rule))
        found.append(Hostile("write_file", {"path": path, "content": "x"}, rule))
    found += [
        Hostile("write_file", {"path": one, "content": "x"}, "verification_dir") for one in INTO_VERIFICATION
    ]
    found.append(
        Hostile("write_file", {"path": "to-verification/x", "content": "x"}, "code:outside_workspace")
    )
    found += [Hostile("write_file", {"path": one, "content": "x"}, HARMLESS) for one in NAMES]
    return found


def _arguments() -> list[Hostile]:
    texts = ("", "{", "[]", "null", "1", '"x"', "[" * 50_000, '{"path": NaN}', '{"path": "\\ud800"}')
    wrong: list[Any] = [1, None, True, [], {}, ["x"], 1.5, {"path": "x"}]
    return [
        *(Hostile("read_file", text, "arguments") for text in texts),
        *(Hostile("read_file", {"path": one}, "arguments") for one in wrong),
        *(Hostile("write_file", {"path": "x", "content": one}, "arguments") for one in wrong),
        *(Hostile("run_command", {"argv": one}, "arguments") for one in (1, None, True, {}, [1], [["x"]])),
        Hostile("read_file", {}, "arguments"),
        Hostile("read_file", {"path": "x", "mode": "r"}, "arguments"),
        Hostile("write_file", {"path": "x"}, "arguments"),
        Hostile("run_command", {"argv": ["x"], "timeout_s": 0}, "arguments"),
        Hostile("run_command", {"argv": ["x"], "env": {"A": "b"}}, "arguments"),
        Hostile("run_command", {"argv": ["x"], "cwd": "/"}, "arguments"),
        Hostile("run_command", {"argv": []}, "code:bad_arguments"),
        Hostile("run_command", {"argv": [""]}, "code:bad_arguments"),
        Hostile("run_command", {"argv": ["a\0b"]}, "code:bad_arguments"),
        Hostile("run_command", {"argv": "cat x | sh"}, "code:bad_arguments"),
        Hostile("run_command", {"argv": "cat 'x"}, "code:bad_arguments"),
        Hostile("write_file", {"path": "big", "content": "x" * 1_000_001}, "write_size"),
        Hostile("write_file", {"path": "big", "content": "\u00e9" * 500_001}, "write_size"),
        Hostile("write_file", {"path": "x", "content": f"key = {REDACTED}api_key]"}, "secret"),
        Hostile("run_command", {"argv": ["echo", f"{REDACTED}environment]"]}, "secret"),
        Hostile("write_file", {"path": "x.exe", "content": "MZ"}, "file_type"),
        Hostile("write_file", {"path": "a/X.EXE", "content": "MZ"}, "file_type"),
        Hostile("write_file", {"path": "x.exe.", "content": "MZ"}, "file_type"),
        Hostile("write_file", {"path": "x.\uff45xe", "content": "MZ"}, "file_type"),
        Hostile("write_file", {"path": "lib.so", "content": ""}, "file_type"),
    ]


def _tools() -> list[Hostile]:
    reading = ("read_file",)
    return [
        Hostile("delete_everything", {}, "unknown_tool"),
        Hostile("", {}, "unknown_tool"),
        Hostile("READ_FILE", {"path": "x"}, "unknown_tool"),
        Hostile("read_file ", {"path": "x"}, "unknown_tool"),
        Hostile("read_file\0", {"path": "x"}, "unknown_tool"),
        Hostile("\uff52ead_file", {"path": "x"}, "unknown_tool"),
        Hostile("__class__", {}, "unknown_tool"),
        Hostile("write_file", {"path": "x", "content": ""}, "role_tools", reading),
        Hostile("run_command", {"argv": ["id"]}, "role_tools", reading),
        Hostile("update_issue_status", {"status": "done"}, "role_tools", reading),
        Hostile("create_issue", {"seat": "builder", "summary": "more work"}, "role_tools", ()),
        Hostile("run_command", {"argv": ["rm", "-rf", "/"]}, "policy/0"),
        Hostile("write_file", {"path": "frozen/x", "content": ""}, "policy/1"),
        Hostile("write_file", {"path": "./frozen//x", "content": ""}, "policy/1"),
        Hostile("write_file", {"path": "frozen/./x", "content": ""}, "policy/1"),
    ]


def _cards() -> list[Hostile]:
    def move(rule: str, **arguments: Any) -> Hostile:
        return Hostile("update_issue_status", arguments, rule)

    return [
        move("own_card", status="done", issue_id="C-2"),
        move("own_card", status="code_review", issue_id="c-1"),
        move("own_card", status="code_review", issue_id="E-1"),
        move("own_card", status="code_review", issue_id="C-1 "),
        move("arguments", status="finished"),
        move("arguments", status="DONE"),
        move("arguments", status=None),
        move("arguments", status=["done"]),
        move("arguments"),
        move("state_machine", status="done"),
        move("state_machine", status="ready"),
        move("state_machine", status="archived"),
        move("state_machine", status="in_progress"),
        move("state_machine", status="blocked"),
        move("state_machine", status="waiting_for_developer"),
        move("status", status="blocked", wait_reason="banana"),
        Hostile("add_issue_comment", {"comment": "x", "issue_id": "C-2"}, "code:"),
        Hostile("get_issue_context", {"issue_id": "C-2"}, "code:"),
        Hostile("create_issue", {"seat": "builder", "summary": "abcd"}, "summary"),
        Hostile("create_issue", {"seat": "builder", "summary": "     "}, "summary"),
        Hostile("create_issue", {"seat": "builder", "summary": 12345}, "arguments"),
    ]


CORPUS = (*_paths(), *_arguments(), *_tools(), *_cards())
