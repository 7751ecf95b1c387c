"""Single steps of work with one right answer each, as a builder or a reviewer meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import attrs

from orket.domain.models import ChatMessage, ChatRole, ProposedCall

Arguments = Mapping[str, object]


@attrs.frozen(kw_only=True)
class Step:
    """A card, what was done for it, and what comes next; ``right`` looks at the arguments."""

    name: str
    card: str
    tool: str
    right: Callable[[Arguments], bool] = lambda given: True
    past: tuple[ChatMessage, ...] = ()


def did(tool: str, answer: str, **arguments: object) -> tuple[ChatMessage, ...]:
    """A call of before, and what came of it."""
    call = ProposedCall(name=tool, arguments_json=json.dumps(arguments), ref="c1")
    return (
        ChatMessage(role=ChatRole.ASSISTANT, content="", calls=(call,)),
        ChatMessage(role=ChatRole.TOOL, content=answer, ref="c1"),
    )


def at(path: str, *words: str) -> Callable[[Arguments], bool]:
    """Whether a file is meant, and its content has these words."""

    def right(given: Arguments) -> bool:
        content = str(given.get("content", ""))
        return str(given.get("path", "")).removeprefix("./") == path and all(one in content for one in words)

    return right


def to(status: str) -> Callable[[Arguments], bool]:
    """Whether a status is set."""
    return lambda given: given.get("status") == status


STEPS = (
    Step(
        name="write a file",
        card="Write the file hello.py. It prints the word hello.",
        tool="write_file",
        right=at("hello.py", "print", "hello"),
    ),
    Step(
        name="write a function",
        card="Write the file area.py with a function area(width, height) that returns their product.",
        tool="write_file",
        right=at("area.py", "def area", "return", "*"),
    ),
    Step(
        name="look before judging",
        card="Review the file notes.txt. First read it.",
        tool="read_file",
        right=at("notes.txt"),
    ),
    Step(
        name="list a folder",
        card="Find out which files are in the folder src.",
        tool="list_directory",
        right=lambda given: str(given.get("path", "")).strip("./") in ("src", ""),
    ),
    Step(
        name="run the tests",
        card="Run the tests of this project with: python -m unittest",
        tool="run_command",
        right=lambda given: "unittest" in json.dumps(given.get("argv", "")),
    ),
    Step(
        name="hand over",
        card="Write the file hello.py. It prints hello. Then set the status code_review.",
        tool="update_issue_status",
        right=to("code_review"),
        past=did("write_file", '{"path":"hello.py"}', path="hello.py", content='print("hello")\n'),
    ),
    Step(
        name="mend after an error",
        card="Write the file hello.py. It prints hello.",
        tool="write_file",
        right=at("hello.py", "print(", "hello"),
        past=did(
            "run_command",
            "Error [failed]: File hello.py, line 1: print 'hello'. SyntaxError: Missing parentheses in call",
            argv=["python", "hello.py"],
        ),
    ),
    Step(
        name="remark",
        card="Write a comment on this card that says: the tests pass.",
        tool="add_issue_comment",
        right=lambda given: "pass" in str(given.get("comment", "")),
    ),
)
