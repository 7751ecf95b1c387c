"""One request to a web server, and its answer."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class WebRequest:
    """What is asked; ``timeout_s`` bounds it from the look-up of the name to the last byte of the answer."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    timeout_s: float = 30.0
    bytes_max: int = 1_000_000


@attrs.frozen(kw_only=True)
class WebResponse:
    """What was answered; ``truncated`` says that the body was longer than ``bytes_max`` and was cut there."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool = False
