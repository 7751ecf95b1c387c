"""The model servers an engine knows: where they are, what opens them, and how each of them is doing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import attrs

from orket.domain.errors import SettingsError
from orket.domain.ports import ModelClient
from orket.infrastructure.models.anthropic import Anthropic
from orket.infrastructure.models.circuit import Circuit
from orket.infrastructure.models.exchange import Server
from orket.infrastructure.models.listing import offered
from orket.infrastructure.models.names import (
    DEFAULT_URLS,
    Address,
    address,
    checked,
    is_private,
    origin,
)
from orket.infrastructure.models.ollama import Ollama
from orket.infrastructure.models.openai_chat import OpenAIChat
from orket.infrastructure.models.openai_responses import OpenAIResponses
from orket.infrastructure.models.served import ServedModel
from orket.infrastructure.models.speech import Speech

ADAPTERS = tuple(DEFAULT_URLS)
LOCAL = "local"
# The two protocols of one house share its address and its key.
_HOUSES: Mapping[str, str] = {"responses": "openai"}


@attrs.frozen(kw_only=True)
class LocalServer:
    """A server on this machine that is started when it is located."""

    name: str
    locate: Callable[[], Awaitable[str]]
    key: str = attrs.field(repr=False)
    idle_s: float


@attrs.define
class Servers:
    """Opens models by name. One circuit per server, whichever of its models is asked.

    Args:
        urls: Where an adapter's server is, when it is not where it usually is.
        keys: Secrets by adapter, or by URL for servers that a model's name gives. An adapter's key goes to
            that adapter's own server and nowhere else: an asset must not be able to send it to a stranger.
        idle_s: How long a server may be silent in the middle of an answer, in seconds.
        local: Prepares the server of a model on this machine by its name.
    """

    urls: Mapping[str, str] = attrs.field(factory=dict)
    keys: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    idle_s: float = 60.0
    local: Callable[[str], LocalServer] | None = attrs.field(default=None, repr=False)
    _circuits: dict[str, Circuit] = attrs.field(factory=dict)

    def open(self, name: str, adapter: str) -> ModelClient:
        """Open a model such as ``openai:MODEL@URL``; nothing is sent yet.

        Raises:
            SettingsError: The name or a setting is not usable, or a key would be readable on its way.
        """
        if adapter == LOCAL:
            return self._open_local(name.removeprefix(f"{LOCAL}:"))
        found = address(name, adapter, self._urls())
        return ServedModel(_speech(found), found.model, self._server(found, name))

    async def offered(self, adapter: str) -> tuple[str, ...]:
        """Ask the server of an adapter which models it has.

        Raises:
            SettingsError: As ``open``.
            ModelError: It refuses, cannot be reached, or says something else.
        """
        found = address(f"{adapter}:any", adapter, self._urls())
        server = self._server(found, adapter)
        return await offered(adapter, server, _speech(found).headers(server.key))

    def url(self, adapter: str) -> str:
        """Say where the server of an adapter is."""
        return address(f"{adapter}:any", adapter, self._urls()).url

    def _server(self, found: Address, name: str) -> Server:
        key = self._key(found)
        if key and not is_private(found.url):
            raise SettingsError(
                f"the model {name!r}: its key would be readable on the way to {found.origin}; use https"
            )
        return Server(_at(found.url), self.circuit(found.origin), key, self.idle_s)

    def _open_local(self, name: str) -> ModelClient:
        if self.local is None:
            raise SettingsError(f"local:{name}: there is no engine here that could run a model")
        one = self.local(name)
        server = Server(one.locate, self.circuit(f"local:{name}"), one.key, one.idle_s)
        return ServedModel(OpenAIChat(), one.name, server)

    def circuit(self, server: str) -> Circuit:
        """Find the circuit of a server."""
        return self._circuits.setdefault(server, Circuit(server))

    def _urls(self) -> dict[str, str]:
        told = {one: self.urls.get(_HOUSES.get(one, one), "") for one in ADAPTERS}
        return {
            one: checked(url, f"ORKET_{_HOUSES.get(one, one).upper()}_URL")
            for one, url in told.items()
            if url
        }

    def _key(self, found: Address) -> str:
        by_origin = {origin(one): key for one, key in self.keys.items() if "://" in one}
        if (key := by_origin.get(found.origin)) is not None:
            return key
        own = self._urls().get(found.adapter) or DEFAULT_URLS[found.adapter]
        house = _HOUSES.get(found.adapter, found.adapter)
        return self.keys.get(house, "") if origin(own) == found.origin else ""


def _speech(found: Address) -> Speech:
    match found.adapter:
        case "openai":
            return OpenAIChat(house_of_openai=found.origin == origin(DEFAULT_URLS["openai"]))
        case "responses":
            return OpenAIResponses()
        case "anthropic":
            return Anthropic()
        case _:
            return Ollama()


def _at(url: str) -> Callable[[], Awaitable[str]]:
    async def locate() -> str:
        return url

    return locate
