"""The words of a prompt: the system message with its sections, the card as first user message (2.6).

Each part says where its words come from, so that a prompt can give account of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from orket.decision_nodes.actions import RULE, SMALL_RULES, signature
from orket.decision_nodes.decisions import PromptInput
from orket.decision_nodes.evaluator import options
from orket.decision_nodes.prompt_size import BYTES_PER_TOKEN, clip
from orket.decision_nodes.workspace_paths import VERIFICATION_DIR
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.models import Calling
from orket.domain.verification import VerificationResult

FIELD_CHARS_MAX = 8_000
COMMENTS_MAX = 20
COMMENT_CHARS_MAX = 1_000
MEMORY_CHARS_MAX = 600


class Part(NamedTuple):
    """A part before it is written: its heading, where its words come from, and the words."""

    name: str
    source: str
    text: str


def system_text(given: PromptInput) -> str:
    """Write the system message: each section with a heading, sections without content left out."""
    told = ((name, write(given).strip()) for name, write, _ in SYSTEM_SECTIONS)
    return "\n\n".join([f"{name}\n{text}" for name, text in told if text])


def system_parts(given: PromptInput) -> Iterator[Part]:
    """List the sections of the system message that have something to say."""
    for name, write, source in SYSTEM_SECTIONS:
        if told := write(given).strip():
            yield Part(name, source(given), told)


def card_text(given: PromptInput) -> str:
    """Write the card: what it asks for, what was remarked, and what verification found."""
    chars_max = field_chars_max(given)
    told = ((name, write(given).strip()) for name, write, _ in CARD_FIELDS)
    fields = [f"\n{name}:\n{clip(text, chars_max)}" for name, text in told if text]
    return "\n".join([_opening(given), *fields, f"\n{_task(given)}"])


def card_parts(given: PromptInput) -> Iterator[Part]:
    """List the parts of the card that have something to say: its opening, its fields, what is to be done."""
    yield Part("Card", _of_card(given), _opening(given))
    for name, write, source in CARD_FIELDS:
        if told := write(given).strip():
            yield Part(name, source(given), told)
    yield Part("Task", "engine: what kind of turn this is", _task(given))


def field_chars_max(given: PromptInput) -> int:
    """How long a field of the card may be: a quarter of a small prompt at most."""
    return min(FIELD_CHARS_MAX, given.tokens_max * BYTES_PER_TOKEN // 4)


def _opening(given: PromptInput) -> str:
    card = given.card
    return f"Card {card.id}: {card.name}\nType {card.type}, priority {card.priority:g}, status {card.status}."


def _epic(given: PromptInput) -> str:
    epic = given.epic.card
    return f"{epic.name}. {epic.description}".strip(" .")


def _guardrail(given: PromptInput) -> str:
    return given.dialect.hallucination_guard if given.dialect else ""


def _identity(given: PromptInput) -> str:
    house = given.workload.organization
    lines = [
        f"You are {given.seat.name} ({given.role.name}) at {house.name}. {given.role.description}".strip()
    ]
    lines += [f"{word}: {text}" for word, text in (("Vision", house.vision), ("Ethos", house.ethos)) if text]
    if given.role.prompt:
        lines.append(given.role.prompt)
    return "\n".join(lines)


def _idesign(given: PromptInput) -> str:
    if not given.idesign:
        return ""
    return _list(
        (
            "Source files lie in a folder that says what they are, never in the workspace's root.",
            "Managers decide the order of work, engines compute, accessors reach what is outside.",
            "A file in managers, engines or accessors has the word manager, engine or accessor in its name.",
            "So does the name of every class in such a file.",
            "An accessor imports neither managers nor engines; an engine imports no manager.",
            "What breaks this is denied when it is written.",
        )
    )


def _protocol(given: PromptInput) -> str:
    reasons = ", ".join(WaitReason)
    if given.calling is Calling.SCHEMA:  # what is possible now is in the schema
        return _list(SMALL_RULES)
    rules = [
        "A card says what is wanted; your work is finished when its status says so.",
        "Act through tool calls only. What you write outside of them changes nothing.",
        "Paths are relative to the workspace. Files under " + VERIFICATION_DIR + "/ cannot be written.",
        "A call can be denied or fail; its answer says why. Change something before you try again.",
        f"Statuses you may set now: {', '.join(options(given.card, review=given.review)) or 'none'}.",
        f"With blocked or waiting_for_developer give a wait_reason: {reasons}.",
    ]
    return _list(rules)


def _dialect(given: PromptInput) -> str:
    if given.calling is Calling.SCHEMA:
        return RULE
    if given.dialect is None:
        return ""
    lines = [f"Family: {given.dialect.model_family}"]
    if given.dialect.dsl_format:
        lines.append(f"Write a tool call like this: {given.dialect.dsl_format}")
    return "\n".join((*lines, *(f"- {one}" for one in given.dialect.constraints)))


def _tools(given: PromptInput) -> str:
    if not given.tools:
        return "You have no tools."
    if given.calling is Calling.SCHEMA:
        return "\n".join(map(signature, given.tools))
    return "\n".join(
        f"- {one.name}: {one.description} Arguments: {one.parameters_json}" for one in given.tools
    )


def _task(given: PromptInput) -> str:
    if not given.review:
        return "Do what the card asks for, then set its status to code_review."
    opening = "Review this card: compare the files with what the card asks for."
    if given.card.status is CardStatus.READY_FOR_TESTING:
        return f"{opening} Set status code_review when it can be reviewed, in_progress when it needs work."
    if given.verification is None or given.verification.ok:
        return f"{opening} Set status done when it is right; otherwise say in a comment why, and in_progress."
    return (
        f"{opening} Its verification failed, so it cannot become done: say in a comment why, and in_progress."
    )


def _memories(given: PromptInput) -> str:
    return _list(
        f"{clip(one.text, MEMORY_CHARS_MAX)} ({one.by}, card {one.card_id})" for one in given.memories
    )


def _notes(given: PromptInput) -> str:
    return _list(f"{one.by} (card {one.card_id}): {one.text}" for one in given.notes)


def _comments(given: PromptInput) -> str:
    recent = given.comments[-COMMENTS_MAX:]
    return _list(f"{one.author}: {clip(one.text, COMMENT_CHARS_MAX)}" for one in recent)


def _verification(given: PromptInput) -> str:
    declared = given.card.verification
    lines = (
        []
        if declared is None
        else [
            f"{one.id}: {one.description} (input {one.input_json}, expected {one.expected_json})"
            for one in declared.scenarios
        ]
    )
    if given.verification is not None:
        lines += _results(given.verification)
    elif given.sent_back is not None:
        lines += ["It was sent back. This is what verification found:", *_results(given.sent_back)]
    return _list(lines)


def _results(result: VerificationResult) -> list[str]:
    lines = [f"Result: {result.passed} of {len(result.results)} scenarios passed."]
    for one in result.results:
        if one.status != "pass":
            got = f", returned {one.actual_json}" if one.actual_json else ""
            lines.append(f"{one.id} did not pass: {one.reason or 'wrong value'}{got}")
    if not result.ok and result.log:
        lines.append(f"Log: {clip(result.log, COMMENT_CHARS_MAX)}")
    return lines


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {one}" for one in items)


def _of_role(given: PromptInput) -> str:
    return f"role {given.role.name}"


def _of_card(given: PromptInput) -> str:
    return f"card {given.card.id}"


def _of_dialect(given: PromptInput) -> str:
    return "" if given.dialect is None else f"dialect {given.dialect.model_family}"


def _of_identity(given: PromptInput) -> str:
    return f"seat {given.seat.key}, role {given.role.name}, organization {given.workload.organization.name}"


Words = Callable[[PromptInput], str]

# Name, words, and where they come from; asked for only when somebody wants to know.
SYSTEM_SECTIONS: tuple[tuple[str, Words, Words], ...] = (
    ("IDENTITY", _identity, _of_identity),
    ("INTENT", lambda given: given.role.intent or given.role.description, _of_role),
    ("RESPONSIBILITIES", lambda given: _list(given.role.responsibilities), _of_role),
    ("CONSTRAINTS", lambda given: _list(given.role.constraints), _of_role),
    (
        "ARCHITECTURE",
        _idesign,
        lambda given: f"epic {given.epic.card.id}: iDesign, which the gate enforces",
    ),
    ("CARD SYSTEM PROTOCOL", _protocol, lambda _: "engine: what gate and state machine allow now"),
    ("SYNTAX DIALECT", _dialect, _of_dialect),
    ("GUARDRAIL", _guardrail, _of_dialect),
    ("TOOLS", _tools, lambda given: f"tool strategy: what role {given.role.name} may use"),
)
CARD_FIELDS: tuple[tuple[str, Words, Words], ...] = (
    ("Epic", _epic, lambda given: f"epic {given.epic.card.id}"),
    ("Description", lambda given: given.card.description, _of_card),
    ("Requirements", lambda given: given.card.requirements, _of_card),
    ("Note", lambda given: given.card.note, _of_card),
    ("References", lambda given: ", ".join(given.card.references), _of_card),
    ("Project context (past decisions, which may be out of date)", _memories, lambda _: "project memory"),
    ("Notes from other seats", _notes, lambda _: "notes of this run"),
    ("Comments", _comments, lambda given: f"newest {COMMENTS_MAX} comments on card {given.card.id}"),
    (
        "Verification",
        _verification,
        lambda given: f"scenarios of card {given.card.id}, and their last verdict",
    ),
)
