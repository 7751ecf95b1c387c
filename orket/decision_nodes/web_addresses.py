"""What a web address may look like, judged by its text alone.

Only plain addresses pass: those that every program reads in the same way, so that what the policy was asked
about is what is connected to. Which machine a name stands for is judged when it is looked up.
"""

from __future__ import annotations

import re

ADDRESS_CHARS_MAX = 2_048
_PORTS = {"http": "80", "https": "443"}
_PLAIN = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
    r"(?:\?(?P<query>[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*))?",
    re.ASCII,
)


def address_problem(address: str) -> str:
    """Say why ``address`` is no plain web address, or return an empty text."""
    if len(address) > ADDRESS_CHARS_MAX:
        return f"the address is longer than {ADDRESS_CHARS_MAX} characters"
    if (found := _PLAIN.fullmatch(_lowered(address))) is None:
        return "not a plain address: http(s)://host[:port][/path][?query], without user and fragment"
    if found["port"] and int(found["port"]) > 65_535:
        return f"there is no port {found['port']}"
    path = found["path"] or "/"
    if re.search(r"%(?![0-9A-Fa-f]{2})", f"{path}?{found['query'] or ''}"):
        return "a % must be followed by two hexadecimal digits"
    if re.search(r"(^|/)(\.|%2e){1,2}(/|$)|%(2f|5c|00)", path, re.IGNORECASE):
        return "the path holds '.', '..' or an escaped separator"
    return ""


def normal_address(address: str) -> str:
    """Write an address the one way that policy patterns are compared with: ``https://host/path``, no query.

    The port stands there unless it is that of the scheme.
    """
    found = _PLAIN.fullmatch(_lowered(address))
    if found is None:
        return address
    scheme, port = found["scheme"], found["port"]
    place = found["host"] if port in (None, _PORTS[scheme]) else f"{found['host']}:{port}"
    return f"{scheme}://{place}{found['path'] or '/'}"


def _lowered(address: str) -> str:
    """Lower the scheme and the host, in which capitals make no difference."""
    head, slashes, rest = address.partition("://")
    end = next((at for at, one in enumerate(rest) if one in "/?"), len(rest))
    return f"{head.lower()}{slashes}{rest[:end].lower()}{rest[end:]}"
