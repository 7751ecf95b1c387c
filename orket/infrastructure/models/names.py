"""A model's name taken apart: which adapter, which model, on which server."""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import urlsplit

import attrs

from orket.domain.errors import SettingsError

DEFAULT_URLS = MappingProxyType(
    {
        "openai": "https://api.openai.com/v1",
        "responses": "https://api.openai.com/v1",
        "anthropic": "https://api.anthropic.com/v1",
        "ollama": "http://127.0.0.1:11434",
    }
)
_URL = re.compile("@https?://")  # a name may hold an @ of its own
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@attrs.frozen
class Address:
    """A model on a server; ``url`` is the base that the adapter's paths are added to, without a slash."""

    adapter: str
    model: str
    url: str

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server: what a key belongs to."""
        return origin(self.url)


def address(name: str, adapter: str, urls: dict[str, str]) -> Address:
    """Take ``openai:MODEL@URL`` apart; ``urls`` are the servers that were set for the adapters.

    Raises:
        SettingsError: It names no model, or its URL is none.
    """
    scheme, colon, rest = name.partition(":")
    told = rest if colon and scheme == adapter else name
    model, url = told, urls.get(adapter) or DEFAULT_URLS[adapter]
    if (found := _URL.search(told)) is not None:
        model, url = told[: found.start()], told[found.start() + 1 :]
    if not model:
        raise SettingsError(
            f"the model {name!r} names no model; write {adapter}:MODEL or {adapter}:MODEL@URL"
        )
    return Address(adapter, model, checked(url, f"the model {name!r}"))


def checked(url: str, what: str) -> str:
    """Return a server's URL without a slash at its end.

    Raises:
        SettingsError: It is no URL of a server, or has a password in it, which would be seen everywhere.
    """
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise SettingsError(f"{what}: {url!r} is not a URL") from None
    if parts.username or parts.password:
        raise SettingsError(f"{what}: keys do not belong into a URL; see ORKET_MODEL_KEYS_FILE")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or parts.query:
        raise SettingsError(f"{what}: {url!r} is not the URL of a server, such as http://127.0.0.1:8080/v1")
    return url.rstrip("/")


def origin(url: str) -> str:
    """Scheme, host and port of a URL, in small letters, the port always written."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def is_private(url: str) -> bool:
    """Whether nobody between here and the server can read along: TLS, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.hostname or "").lower() in _LOOPBACK
