"""``orket ledger verify | export``: whether the record is as it was written, and a copy to keep elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import anyio
import attrs
from cyclopts import Parameter

from orket.bootstrap.database import export_ledger, verify_exported, verify_ledger
from orket.domain.errors import StoreError
from orket.domain.integrity import Anchor, Fault, LedgerReport
from orket.interfaces.cli.engines import require_here
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import command_line, counted, printable
from orket.settings import Settings
from orket.wire import codec

_LINK_DIGITS = 64


def verify(
    exported: Path | None = None,
    /,
    *,
    anchor: str = "",
    key: Annotated[Path | None, Parameter(help="The key file that belongs to an export.")] = None,
    as_json: Json = False,
    where: Where = HERE,
) -> int:
    """Check that no event was changed, dropped, reordered or cut off, that blobs and lists fit the events.

    An engine may be running. Exit code 1 when anything is not as it was written.

    Args:
        exported: A file of `orket ledger export` [default: the database].
        anchor: SEQ:LINK as an earlier check printed it; shows an older copy in the ledger's place.
        key: The database's key file; without it an export is only checked for damage.
        as_json: Print the report as JSON.
    """
    noted, settings = _anchor(anchor) if anchor else None, where.settings()
    if exported is not None and where.url:
        require_here(settings, "ledger verify FILE")
    if exported is None and settings.url:
        if noted is not None or key is not None:
            require_here(settings, "ledger verify with --anchor or --key")
        report = anyio.run(_asked, settings)
    elif exported is None:
        if key is not None:
            raise BadInput("--key belongs to an export; the database's own key lies beside it")
        report = verify_ledger(settings, noted)
    else:
        with exported.open("rb") as lines:
            report = verify_exported(lines, key, noted)
    _tell(report, as_json=as_json, keyless=exported is not None and key is None)
    return Exit.DONE if report.ok else Exit.NOT_DONE


def export(
    to: Annotated[Path | None, Parameter(help="The file to write; it must not exist.")] = None,
    /,
    *,
    blobs: bool = False,
    where: Where = HERE,
) -> int:
    """Write the whole ledger, one event a line as JSON, ended by an anchor.

    Args:
        to: Where to [default: standard output].
        blobs: Prompts and other blobs too.
    """
    settings = where.settings()
    require_here(settings, "ledger export")
    if not settings.db_path.exists():
        raise StoreError(f"there is no database at {settings.db_path}: name another data directory")
    if to is None:
        end = export_ledger(settings, sys.stdout.buffer, blobs=blobs)
    else:
        with to.open("xb") as file:
            end = export_ledger(settings, file, blobs=blobs)
    check = command_line(("ledger", "verify", str(to or "FILE"), "--key", f"{settings.db_path}.key"))
    Out().remark(f"exported up to {end.seq}:{end.link}; verify with: {check}")
    return Exit.DONE


async def _asked(settings: Settings) -> LedgerReport:
    """Have the bridge check its ledger."""
    from orket.interfaces.cli.elsewhere import named_bridge

    async with named_bridge(settings) as client:
        said = await client.verify_ledger()
    return LedgerReport(
        events=said.events,
        runs=said.runs,
        blobs=said.blobs,
        end=Anchor(said.end_seq, said.end_link),
        faults=tuple(Fault(one.seq, one.what) for one in said.faults),
    )


def _anchor(text: str) -> Anchor:
    seq, colon, link = text.partition(":")
    digits = seq.isascii() and seq.isdigit() and set(link.lower()) <= set("0123456789abcdef")
    if not colon or not digits or len(link) != _LINK_DIGITS:
        raise BadInput(f"--anchor {text!r}: give SEQ:LINK, a number and {_LINK_DIGITS} hexadecimal digits")
    return Anchor(int(seq), link.lower())


def _tell(report: LedgerReport, *, as_json: bool, keyless: bool) -> None:
    out = Out()
    if as_json:
        out.line(codec.encode(attrs.asdict(report) | {"ok": report.ok}).decode())
        return
    for fault in report.faults:
        place = f"event {fault.seq}: " if fault.seq else ""
        out.line(f"✘ {place}{printable(fault.what)}")
    counts = (
        f"{counted(report.events, 'event')}, {counted(report.runs, 'run')}, {counted(report.blobs, 'blob')}"
    )
    if report.ok:
        proof = "not damaged; give --key to see that nobody rewrote it" if keyless else "as it was written"
        out.line(f"✔ {counts}: {proof}")
    else:
        out.line(f"{counts}: {counted(len(report.faults), 'fault')}")
    out.line(f"anchor {report.end.seq}:{report.end.link}")
