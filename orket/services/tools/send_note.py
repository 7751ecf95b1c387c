"""``send_note``: proposes a note to another seat; it stands in the next prompt of that seat in this run."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.seat_notes import NOTE_CHARS_MAX
from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, done


class SendNoteArguments(Arguments):
    """What to tell, and whom."""

    text: Annotated[str, Meta(min_length=1, max_length=NOTE_CHARS_MAX, description="The note, short.")]
    to: Annotated[str, Meta(description="The seat that shall read it; leave it out to tell all.")] = ""


def send_note(args: SendNoteArguments, context: ToolContext) -> ToolResult:
    """Propose the note."""
    change = CardChange(card_id=context.given.card.id, comment=args.text, note_to=args.to)
    told = f"the note reaches {args.to or 'all other seats'} with the next prompt"
    return attrs.evolve(done(message=told), changes=(change,))


TOOL = declare_proposal(
    send_note,
    SendNoteArguments,
    name="send_note",
    description="Leave a note for another seat of the team.",
    permissions=(Permission.CHANGE_CARDS,),
)
