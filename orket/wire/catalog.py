"""Where everything is, on the wire: a link set (RFC 9264) as RFC 9727 has it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

CATALOG_TYPE = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One place, and what is found there."""

    href: Annotated[str, Meta(examples=["/openapi.json"])]
    type: Annotated[str, Meta(examples=["application/json"])]


class ApiLinks(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename=lambda name: name.replace("_", "-"),
):
    """What belongs to one API."""

    anchor: Annotated[str, Meta(examples=["/v1"])]
    service_desc: tuple[Link, ...]
    service_doc: tuple[Link, ...]
    status: tuple[Link, ...]


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """The APIs that are served here."""

    linkset: tuple[ApiLinks, ...]
