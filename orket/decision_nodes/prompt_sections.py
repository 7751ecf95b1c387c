"""The words of a prompt: the system message with its sections, the card as first user message (2.6)."""

from __future__ import annotations

from collections.abc import Iterable

from orket.decision_nodes.decisions import PromptInput
from orket.decision_nodes.evaluator import options
from orket.decision_nodes.workspace_paths import VERIFICATION_DIR
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.verification import VerificationResult

FIELD_CHARS_MAX = 8_000
COMMENTS_MAX = 20
COMMENT_CHARS_MAX = 1_000


def system_text(given: PromptInput) -> str:
    """Write the system message: each section with a heading, sections without content left out."""
    sections = (
        ("IDENTITY", _identity(given)),
        ("INTENT", given.role.intent or given.role.description),
        ("RESPONSIBILITIES", _list(given.role.responsibilities)),
        ("CONSTRAINTS", _list(given.role.constraints)),
        ("CARD SYSTEM PROTOCOL", _protocol(given)),
        ("SYNTAX DIALECT", _dialect(given)),
        ("GUARDRAIL", given.dialect.hallucination_guard if given.dialect else ""),
        ("TOOLS", _tools(given)),
    )
    return "\n\n".join(f"{name}\n{text.strip()}" for name, text in sections if text.strip())


def card_text(given: PromptInput) -> str:
    """Write the card: what it asks for, what was remarked, and what verification found."""
    card = given.card
    lines = [
        f"Card {card.id}: {card.name}",
        f"Type {card.type}, priority {card.priority:g}, status {card.status}.",
    ]
    for heading, text in (
        ("Epic", f"{given.epic.card.name}. {given.epic.card.description}".strip(" .")),
        ("Description", card.description),
        ("Requirements", card.requirements),
        ("Note", card.note),
        ("References", ", ".join(card.references)),
        ("Comments", _comments(given)),
        ("Verification", _verification(given)),
    ):
        if text.strip():
            lines.append(f"\n{heading}:\n{clip(text.strip(), FIELD_CHARS_MAX)}")
    lines.append(f"\n{_task(given)}")
    return "\n".join(lines)


def clip(text: str, chars_max: int) -> str:
    """Cut a text in its middle, saying how much is missing; the ends tell most."""
    if len(text) <= chars_max:
        return text
    head = chars_max * 2 // 3
    tail = chars_max - head
    return f"{text[:head]}\n[{len(text) - chars_max} characters left out]\n{text[-tail:]}"


def _identity(given: PromptInput) -> str:
    house = given.workload.organization
    lines = [
        f"You are {given.seat.name} ({given.role.name}) at {house.name}. {given.role.description}".strip()
    ]
    lines += [f"{word}: {text}" for word, text in (("Vision", house.vision), ("Ethos", house.ethos)) if text]
    if given.role.prompt:
        lines.append(given.role.prompt)
    return "\n".join(lines)


def _protocol(given: PromptInput) -> str:
    reasons = ", ".join(WaitReason)
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
    if given.dialect is None:
        return ""
    lines = [f"Family: {given.dialect.model_family}"]
    if given.dialect.dsl_format:
        lines.append(f"Write a tool call like this: {given.dialect.dsl_format}")
    return "\n".join((*lines, *(f"- {one}" for one in given.dialect.constraints)))


def _tools(given: PromptInput) -> str:
    if not given.tools:
        return "You have no tools."
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
