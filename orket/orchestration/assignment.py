"""One card at work: the actor that takes turns on it until it moves, is blocked, or waits for a person."""

from __future__ import annotations

import attrs

from actors import Actor, Request, on
from orket.decision_nodes.decisions import LoopLimits, Next, TurnReview
from orket.decision_nodes.registry import Nodes
from orket.domain import events as e
from orket.domain.budgets import Budget
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.identifiers import CallId
from orket.domain.sandboxes import SandboxSpec
from orket.orchestration.desk import Desk
from orket.orchestration.inbox import Mail, writes_notes
from orket.orchestration.notebook import CardFile, Notebook
from orket.orchestration.prompt import assign
from orket.orchestration.recovery import block, move
from orket.orchestration.turn import Bench, Carried, take_turn
from orket.services.judging import Judge


@attrs.frozen(kw_only=True)
class WorkOnCard(Request[None]):
    """Take turns until the card has moved; everything that came of it is on the ledger by then.

    ``review`` says whether this is the card's review. When the ``grant`` is used up the card rests as it is.
    """

    file: CardFile
    review: bool
    grant: Budget = attrs.field(factory=Budget)


class CardWorker(Actor[WorkOnCard]):
    """Works on one card, one assignment long; a child of its run.

    It raises what keeps it from working (a raising decision node, a ledger that does not record, a sandbox
    that cannot be had); its run takes that down as the card's fault and decides what follows.
    """

    def __init__(self, desk: Desk, nodes: Nodes, limits: LoopLimits, sandbox: SandboxSpec) -> None:
        self._desk, self._nodes, self._limits, self._sandbox = desk, nodes, limits, sandbox

    @on(WorkOnCard)
    async def work(self, m: WorkOnCard) -> None:
        """Drive the card to the end of its assignment."""
        book = Notebook(self._desk, m.file)
        review = m.review if book.turn is None else book.turn.review
        bench = self._sit_down(m.file, m.grant, review=review)
        if bench is None:
            need = "review it" if review else f"take it (wanted: {book.card.seat})"
            book.note(*block(book.card, WaitReason.RESOURCE, f"no seat of the team can {need}"))
        else:
            await self._begin(book, review=review)
            await self._take_turns(book, bench)
        await book.flush()

    def _sit_down(self, file: CardFile, grant: Budget, *, review: bool) -> Bench | None:
        who = assign(
            self._nodes,
            file.accepted.workload,
            file.card,
            self._desk.tools,
            review=review,
            model=file.accepted.model,
        )
        if who is None:
            return None
        return Bench(
            desk=self._desk,
            nodes=self._nodes,
            limits=self._limits,
            who=who,
            sandbox=self._sandbox,
            judge=Judge(self._desk.proposing, self._nodes),
            grant=grant,
            mail=_mail(file),
        )

    async def _begin(self, book: Notebook, *, review: bool) -> None:
        if not review and book.card.status is CardStatus.READY:
            book.note(move(book.card, CardStatus.IN_PROGRESS))
        if review and book.card.status is CardStatus.READY_FOR_TESTING:
            book.note(move(book.card, CardStatus.CODE_REVIEW))
        if review and book.card.verification is not None and book.verification is None:
            await book.flush()
            name = CallId(f"{book.file.run_id}/{book.card.id}/{book.file.turn_count}/verification")
            result = await self._desk.verify(book.card.verification, self._sandbox, name)
            book.note(e.VerificationFinished(card_id=book.card.id, result=result))
        if book.turn is None:
            await self._recall(book)

    async def _recall(self, book: Notebook) -> None:
        """Look up what the project's memory has to say to the card, and write down what is new."""
        turn, known = book.file.turn_count + 1, book.file.recalled
        told = await self._desk.inbox.recall(book.file.accepted.workload, book.card, turn, known)
        if told != known:
            book.note(e.MemoriesRecalled(card_id=book.card.id, turn=turn, memories=told))

    async def _take_turns(self, book: Notebook, bench: Bench) -> None:
        taken = 0
        while True:
            if book.turn is None and (self._worn_out(book) or bench.used_up(book)):
                return
            before = book.card
            if await take_turn(book, bench) is not Carried.ALL:
                return
            taken += 1
            if self._judge(book, bench, before, taken):
                return

    def _worn_out(self, book: Notebook) -> bool:
        limit = self._limits.turns_per_card_max
        if book.state.turn_counts.get(book.card.id, 0) < limit:
            return False
        book.note(*block(book.card, WaitReason.SYSTEM, f"{limit} turns did not finish it"))
        return True

    def _judge(self, book: Notebook, bench: Bench, before: Card, taken: int) -> bool:
        """Close the turn as the evaluator says; tell whether the assignment is over."""
        turn, card = book.state.turns[book.card.id][-1], book.card
        given = TurnReview(
            before=before,
            after=card,
            turn=turn,
            review=bench.who.review,
            turns_taken=taken,
            turns_max=self._limits.turns_per_assignment_max,
        )
        said = self._nodes.evaluator.evaluate(given)
        book.note(e.TurnFinished(card_id=card.id, turn=turn.turn, outcome=said.next, note=said.note))
        if said.next is Next.RETRY:
            book.note(e.CardRetried(card_id=card.id, retry_count=card.retry_count + 1, note=said.note))
        elif said.next is Next.BLOCK:
            book.note(*block(card, said.wait_reason or WaitReason.SYSTEM, said.note))
        return said.next in (Next.SETTLED, Next.BLOCK)


def _mail(file: CardFile) -> Mail | None:
    if not writes_notes(file.accepted.workload):
        return None
    return Mail(run_id=file.run_id, notes=file.notes, notes_sent=file.notes_sent, seen=file.last_seq)
