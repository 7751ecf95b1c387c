"""``orket card RUN CARD``: one card, with everything that is recorded about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import anyio
import attrs

from orket.domain.budgets import MICROS
from orket.domain.card_account import CardAccount, CardStory
from orket.domain.cards import Card, CardType
from orket.domain.diagnosis import Diagnosis, diagnose
from orket.domain.identifiers import CardId
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.lines import verified
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.replay import history
from orket.interfaces.cli.why_blocked import tell
from orket.interfaces.cli.wording import counted, printable, tokens
from orket.wire import codec

_TEXT_CHARS = 4000
_LINE_CHARS = 300


def card(run: str, card: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Show one card: its fields, how it came to where it stands, comments, tool calls, and why it waits.

    Args:
        run: The run's id, or the beginning of it.
        card: The card's id.
        as_json: Print all of it as one JSON object.
    """
    return anyio.run(_card, where, run, card, as_json)


async def _card(where: Where, name: str, card_name: str, as_json: bool) -> Exit:
    out, now = Out(), datetime.now(UTC)
    async with reach_ledger(where.settings()) as reach:
        found = await find_run(reach, name)
        story = CardStory(found.run_id, CardId(card_name))
        for recorded in await history(reach, found.run_id):
            story.take(recorded)
    account = story.account()
    why = _why(story, account, now)
    if as_json:
        fields = {one.name: getattr(account, one.name) for one in attrs.fields(CardAccount)}
        out.line(codec.encode({**fields, "why": why}).decode())
        return Exit.DONE
    lines = list(tell_account(account))
    if why is not None and why.blocked:
        lines += ["", "Why it does not move"]
        told = tell(attrs.evolve(why, findings=()), story.state, now=now, data_dir=where.words)
        lines += [f"  {line}".rstrip() for line in list(told)[2:]]
    for line in lines:
        out.line(line)
    return Exit.DONE


def _why(story: CardStory, account: CardAccount, now: datetime) -> Diagnosis | None:
    if account.card.type is not CardType.ISSUE or story.state.accepted is None:
        return None
    bounds = story.state.accepted.workload.organization.bottlenecks
    return diagnose(story.state, bounds, since=story.since, now=now, only=account.card.id)


def tell_account(account: CardAccount) -> Iterator[str]:
    """Word an account, section by section; what is empty is left out."""
    yield from _fields(account)
    for title, text in (
        ("Description", account.card.description),
        ("Requirements", account.card.requirements),
        ("Note", account.card.note),
    ):
        if text.strip():
            yield from ("", title)
            yield from (f"  {printable(line)}" for line in text[:_TEXT_CHARS].splitlines())
    for title, lines in (
        ("History", _history(account)),
        ("Comments", _comments(account)),
        ("Tool calls", _calls(account)),
    ):
        if shown := list(lines):
            yield from ("", title)
            yield from (f"  {line}" for line in shown)


def _fields(account: CardAccount) -> Iterator[str]:
    one = account.card
    spent = account.spent
    used = (counted(spent.turns, "turn"), counted(spent.tool_calls, "call"), tokens(spent.usage))
    yield f"{printable(one.id)}  {printable(one.name)}"
    for name, text in (
        ("run", account.run_id),
        ("type", f"{one.type}{_labels(one)}"),
        ("status", f"{one.status}, since {_when(account.since)}"),
        ("waits for", ": ".join(part for part in (one.wait_reason, one.wait_note) if part)),
        ("priority", f"{one.priority:g}"),
        ("seat", one.seat if one.type is CardType.ISSUE else ""),
        ("assignee", one.assignee),
        ("sprint", one.sprint),
        ("part of", one.parent_id or ""),
        ("depends on", ", ".join(one.depends_on)),
        ("children", ", ".join(account.children)),
        ("references", ", ".join(one.references)),
        ("retries", f"{one.retry_count} of {one.max_retries}" if one.type is CardType.ISSUE else ""),
        ("used", " · ".join(used) if spent.turns else ""),
        ("credits", f"{account.credits_micros / MICROS:g}" if account.credits_micros else ""),
        ("verified", "" if account.verification is None else verified(account.verification)),
    ):
        if text:
            yield f"  {name:<11}{printable(text, chars_max=_LINE_CHARS)}"


def _labels(one: Card) -> str:
    return f" ({', '.join(one.labels)})" if one.labels else ""


def _history(account: CardAccount) -> Iterator[str]:
    for one in account.history:
        text = printable(one.text, chars_max=_LINE_CHARS)
        yield f"{one.seq:>6}  {_when(one.at)}  {printable(one.by)}: {text}"


def _comments(account: CardAccount) -> Iterator[str]:
    for one in account.comments:
        yield f"{one.seq:>6}  {_when(one.at)}  {printable(one.author)}:"
        yield from (f"        {printable(line)}" for line in one.text[:_TEXT_CHARS].splitlines())


def _calls(account: CardAccount) -> Iterator[str]:
    for one in account.calls:
        place = one.id.partition("/")[2]
        judged = "" if one.verdict is None else f", {one.verdict} by {printable(one.rule)}"
        took = f", {one.duration_ms} ms" if one.duration_ms else ""
        again = f", attempt {one.attempts}" if one.attempts > 1 else ""
        yield f"{place}  {printable(one.seat)}: {printable(one.tool)} {one.outcome}{judged}{again}{took}"


def _when(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
