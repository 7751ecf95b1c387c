"""JSON pointers, read by other code than the one that writes them."""

from __future__ import annotations


def resolves(pointer: str, document: object) -> bool:
    """Whether a pointer (RFC 6901) leads to a value of the document."""
    if pointer and not pointer.startswith("/"):
        return False
    value = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    return True
