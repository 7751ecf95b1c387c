"""What the driver of a conversation is told, and what may be made of its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

from orket.decision_nodes.reply_json import mended
from orket.domain.conversations import PROPOSALS_MAX, TEXT_CHARS_MAX, Action, Proposal, Session
from orket.domain.models import ChatMessage, ChatRole
from orket.domain.ports import RunSummary

HISTORY_MAX = 20
SUBJECT_CHARS_MAX = 400
SCHEMA_JSON = json.dumps(
    {
        "type": "object",
        "properties": {
            "say": {"type": "string"},
            "proposals": {
                "type": "array",
                "maxItems": PROPOSALS_MAX,
                "items": {
                    "type": "object",
                    "properties": {
                        "action": {"enum": [one.value for one in Action]},
                        "subject": {"type": "string"},
                        "reason": {"type": "string"},
                    },
                    "required": ["action", "subject"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["say", "proposals"],
        "additionalProperties": False,
    }
)
_ORDERS = """You help a person who runs agent work with Orket. Answer with one JSON object:
{"say": "what you tell the person", "proposals": [{"action": "...", "subject": "...", "reason": "..."}]}
A proposal is a command that the person may carry out with one click; you carry nothing out yourself.
action start_run: subject is the name or path of a rock, an epic or an issue.
actions pause_run, resume_run, cancel_run: subject is the id of a run.
Propose only what the person asks for; leave proposals empty otherwise."""


def messages_for(session: Session, number: int, runs: Sequence[RunSummary]) -> tuple[ChatMessage, ...]:
    """Write what is sent to the model: orders, the newest runs, what was said up to message ``number``."""
    listed = "\n".join(f"{one.run_id}  {one.status}  {one.target}" for one in runs) or "none yet"
    system = ChatMessage(role=ChatRole.SYSTEM, content=f"{_ORDERS}\n\nThe newest runs:\n{listed}")
    said: list[ChatMessage] = []
    for one in session.exchanges[max(0, number - HISTORY_MAX) : number]:
        said.append(ChatMessage(role=ChatRole.USER, content=one.heard.text))
        if one.answered is not None and not one.answered.error:
            said.append(
                ChatMessage(
                    role=ChatRole.ASSISTANT, content=_as_said(one.answered.text, one.answered.proposals)
                )
            )
    return (system, *said)


def read_answer(text: str) -> tuple[str, tuple[Proposal, ...]]:
    """Read what a model answered: what it says, and what it proposes.

    Text that is no such object is taken as what it says; a proposal that is none is an error.

    Raises:
        ValueError: A proposal cannot be understood; the message says which and why.
    """
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return text.strip()[:TEXT_CHARS_MAX], ()
    try:
        found = mended(text[start : end + 1])
    except ValueError:
        return text.strip()[:TEXT_CHARS_MAX], ()
    if not isinstance(found, dict) or "say" not in found:
        return text.strip()[:TEXT_CHARS_MAX], ()
    listed = found.get("proposals") or []
    if not isinstance(listed, list) or len(listed) > PROPOSALS_MAX:
        raise ValueError(f"/proposals: must be a list of at most {PROPOSALS_MAX}")
    return str(found["say"])[:TEXT_CHARS_MAX], tuple(_proposal(n, one) for n, one in enumerate(listed))


def _proposal(number: int, told: object) -> Proposal:
    if not isinstance(told, dict):
        raise ValueError(f"/proposals/{number}: must be an object")
    action, subject = told.get("action"), told.get("subject")
    if not isinstance(action, str) or action not in {*Action}:
        raise ValueError(f"/proposals/{number}/action: {action!r} is none of {', '.join(Action)}")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARS_MAX:
        raise ValueError(
            f"/proposals/{number}/subject: must be a name of at most {SUBJECT_CHARS_MAX} characters"
        )
    return Proposal(
        action=Action(action), subject=subject, reason=str(told.get("reason") or "")[:SUBJECT_CHARS_MAX]
    )


def _as_said(text: str, proposals: Sequence[Proposal]) -> str:
    told = [{"action": one.action.value, "subject": one.subject, "reason": one.reason} for one in proposals]
    return json.dumps({"say": text, "proposals": told}, ensure_ascii=False)
