"""``orket prompt [RUN] CARD``: exactly what a card's turn sends to the model, and why each part is there."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import msgspec

from orket.domain.errors import CardNotFound
from orket.domain.events import Recorded, TurnStarted
from orket.domain.identifiers import BlobId, CardId, RunId
from orket.domain.runs import RunState
from orket.interfaces.cli.engines import reach_ledger, require_here
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.names import find_run, newest_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.replay import history
from orket.interfaces.cli.wording import printable
from orket.settings import Settings
from orket.wire import codec
from orket.wire.prompts import PromptMessageView, PromptPartView, PromptView, prompt_view

_NAME_CHARS = 28


def prompt(
    run_or_card: str,
    card: str | None = None,
    /,
    *,
    turn: int | None = None,
    as_json: Json = False,
    where: Where = HERE,
) -> int:
    """Show exactly what a card's next turn would send to the model, and why each part is there.

    Nothing is sent and nothing is recorded. Every part is listed with its source, its size (tokens are
    estimated, on the high side) and what was left out of it; then follow the messages, word for word.

    Args:
        run_or_card: The run's id, or the beginning of it; or the path of a card file that no run has begun
            yet; alone, a card of the newest run.
        card: The card's id.
        turn: Show what this turn did send, as it was recorded, instead.
        as_json: Print one JSON object.
    """
    name, wanted = (None, run_or_card) if card is None else (run_or_card, card)
    return anyio.run(_prompt, where, name, CardId(wanted), turn, as_json)


async def _prompt(where: Where, name: str | None, card: CardId, turn: int | None, as_json: bool) -> Exit:
    from orket.bootstrap.prompting import preview_first_prompt, preview_prompt

    out, settings = Out(), where.settings()
    if name is not None and _is_file(name):
        require_here(settings, "prompt with a card file")
        if turn is not None:
            raise BadInput(f"--turn {turn}: {name} is a card file, and only runs have turns")
        return _show(out, prompt_view(await preview_first_prompt(settings, name, card)), as_json)
    async with reach_ledger(settings) as reach:
        found = await (find_run(reach, name) if name else newest_run(reach))
        if turn is None and settings.url:
            return _show(out, await _asked(settings, found.run_id, card), as_json)
        recorded = await history(reach, found.run_id)
    if turn is not None:
        return await _sent(where, out, recorded, card, turn)
    said = await preview_prompt(settings, RunState.fold(found.run_id, recorded), card)
    return _show(out, prompt_view(said), as_json)


async def _asked(settings: Settings, run_id: RunId, card: CardId) -> PromptView:
    """Have the bridge work the prompt out: it has the models and the files."""
    from orket.interfaces.cli.elsewhere import named_bridge

    async with named_bridge(settings) as client:
        return await client.prompt(run_id, card)


def _is_file(name: str) -> bool:
    """Whether a card file is meant rather than a run; ids of runs are eight hexadecimal digits."""
    return name.endswith(".json") or "/" in name


def _show(out: Out, said: PromptView, as_json: bool) -> Exit:
    if as_json:
        out.line(codec.encode(said).decode())
        return Exit.DONE
    for line in (*_heading(said), *_parts(said.parts), *_messages(said.messages)):
        out.line(line)
    return Exit.DONE


async def _sent(where: Where, out: Out, recorded: list[Recorded], card: CardId, turn: int) -> Exit:
    """Show a recorded prompt: the blob as it is."""
    events = (one.event for one in recorded)
    turns = {one.turn: one for one in events if isinstance(one, TurnStarted) and one.card_id == card}
    if not turns:
        raise CardNotFound(f"the run has no turn of a card {card!r}")
    if (started := turns.get(turn)) is None:
        raise BadInput(f"--turn {turn}: {card} has had turns 1 to {max(turns)}")
    body = await _content(where.settings(), started.prompt)
    out.line(msgspec.json.format(body, indent=2).decode())
    out.remark(
        f"turn {turn} of {card}, seat {started.seat}, model {started.model}; prompt {started.prompt},"
        f" words {started.prompt_version or 'of an older version'}"
    )
    return Exit.DONE


async def _content(settings: Settings, prompt: BlobId) -> bytes:
    from orket.bootstrap.prompting import sent_prompt

    if not settings.url:
        return await sent_prompt(settings, prompt)
    from orket.interfaces.cli.elsewhere import named_bridge

    async with named_bridge(settings) as client:
        return await client.content(prompt)


def _heading(said: PromptView) -> Iterator[str]:
    doing = "review" if said.review else "work"
    yield f"{printable(said.card_id)} turn {said.turn}: {doing} by seat {said.seat} as {said.role}"
    yield f"  model   {printable(said.model)}, temperature {said.temperature:g}, seed {said.seed}"
    yield f"  words   {said.prompt_version}, hash {said.prompt}"
    yield f"  size    about {said.tokens:,} of {said.tokens_max:,} tokens"
    yield f"  tools   {', '.join(said.tools) or 'none'}"
    if said.schema_json:
        yield f"  schema  the answer must keep to it: {_safe(said.schema_json)}"
    for remark in said.remarks:
        yield f"  note    {printable(remark)}"
    yield ""


def _parts(parts: tuple[PromptPartView, ...]) -> Iterator[str]:
    """One part a line, unwrapped: in which message it stands, its size, and where it is from."""
    if not parts:
        yield "the selected prompt strategy gives no account of its parts"
        return
    yield f"in  {'part':<{_NAME_CHARS}}  {'chars':>7}  {'tokens':>7}  {'left out':>8}  from"
    for one in parts:
        name = printable(one.name, chars_max=_NAME_CHARS)
        left_out = f"{one.chars_left_out:,}" if one.chars_left_out else ""
        why = f"{one.source}; {one.note}" if one.note else one.source
        sizes = f"{one.chars:>7,}  {one.tokens:>7,}  {left_out:>8}"
        yield f"{one.message:<2}  {name:<{_NAME_CHARS}}  {sizes}  {printable(why)}"


def _messages(messages: tuple[PromptMessageView, ...]) -> Iterator[str]:
    for number, one in enumerate(messages):
        ref = f" {printable(one.ref)}" if one.ref else ""
        yield ""
        yield f"--- message {number}: {one.role}{ref} ---"
        yield from (_safe(line) for line in one.content.splitlines())
        for call in one.calls:
            yield f"[call {printable(call.ref)}] {printable(call.name)} {_safe(call.arguments_json)}"


def _safe(line: str) -> str:
    """Keep every word and space of a line; only what could steer the terminal is shown as its escape."""
    return "".join(one if one.isprintable() or one == "\t" else repr(one)[1:-1] for one in line)
