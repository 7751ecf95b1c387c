"""The words of a prompt: the system message with its sections, the card as first user message (2.6).

Each part says where its words come from, so that a prompt can give account of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    return "\n\n".join(f"{one.name}\n{one.text}" for one in system_parts(given))


def system_parts(given: PromptInput) -> Iterator[Part]:
    """List the sections of the system message that have something to say."""
    role, house = given.role, given.workload.organization.name
    dialect = "" if given.dialect is None else f"dialect {given.dialect.model_family}"
    for name, source, text in (
        ("IDENTITY", f"seat {given.seat.key}, role {role.name}, organization {house}", _identity(given)),
        ("INTENT", f"role {role.name}", role.intent or role.description),
        ("RESPONSIBILITIES", f"role {role.name}", _list(role.responsibilities)),
        ("CONSTRAINTS", f"role {role.name}", _list(role.constraints)),
        ("ARCHITECTURE", f"epic {given.epic.card.id}: iDesign, which the gate enforces", _idesign(given)),
        ("CARD SYSTEM PROTOCOL", "engine: what the gate and the state machine allow now", _protocol(given)),
        ("SYNTAX DIALECT", dialect, _dialect(given)),
        ("GUARDRAIL", dialect, given.dialect.hallucination_guard if given.dialect else ""),
        ("TOOLS", f"tool strategy: what role {role.name} may use", _tools(given)),
    ):
        if told := text.strip():
            yield Part(name, source, told)


def card_text(given: PromptInput) -> str:
    """Write the card: what it asks for, what was remarked, and what verification found."""
    chars_max = field_chars_max(given)
    opening, *fields, task = card_parts(given)
    told = (f"\n{one.name}:\n{clip(one.text, chars_max)}" for one in fields)
    return "\n".join((opening.text, *told, f"\n{task.text}"))


def card_parts(given: PromptInput) -> Iterator[Part]:
    """List the parts of the card that have something to say: its opening, its fields, what is to be done."""
    card, epic = given.card, given.epic.card
    opening = (
        f"Card {card.id}: {card.name}\nType {card.type}, priority {card.priority:g}, status {card.status}."
    )
    yield Part("Card", f"card {card.id}", opening)
    for name, source, text in (
        ("Epic", f"epic {epic.id}", f"{epic.name}. {epic.description}".strip(" .")),
        ("Description", f"card {card.id}", card.description),
        ("Requirements", f"card {card.id}", card.requirements),
        ("Note", f"card {card.id}", card.note),
        ("References", f"card {card.id}", ", ".join(card.references)),
        ("Project context (past decisions, which may be out of date)", "project memory", _memories(given)),
        ("Notes from other seats", "notes of this run", _notes(given)),
        ("Comments", f"the newest {COMMENTS_MAX} comments on card {card.id}", _comments(given)),
        ("Verification", f"scenarios of card {card.id}, and their last verdict", _verification(given)),
    ):
        if told := text.strip():
            yield Part(name, source, told)
    yield Part("Task", "engine: what kind of turn this is", _task(given))


def field_chars_max(given: PromptInput) -> int:
    """How long a field of the card may be: a quarter of a small prompt at most."""
    return min(FIELD_CHARS_MAX, given.tokens_max * BYTES_PER_TOKEN // 4)


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
