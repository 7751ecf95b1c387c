"""``api_runtime_node``: the bridge's own choices."""

from __future__ import annotations

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERYWHERE = ("0.0.0.0", "::", "[::]", "")
ANY_HOST = "*"
RETRY_AFTER_MAX_S = 30
QUEUED_PER_S = 100


class DefaultApiRuntime:
    """Answers to the names it is bound to; a full mailbox is worth a second per hundred queued messages."""

    def allowed_hosts(self, bound_host: str) -> tuple[str, ...]:
        """List the ``Host`` names, without port, that are served; ``*`` means any.

        The check keeps a foreign web page from reaching a bridge that needs no key, which is one on
        loopback. A bridge on all addresses cannot know its names; it needs keys, so any name will do.
        """
        if bound_host in EVERYWHERE:
            return (ANY_HOST,)
        name = f"[{bound_host}]" if ":" in bound_host and not bound_host.startswith("[") else bound_host
        return LOOPBACK if name in LOOPBACK else (name, *LOOPBACK)

    def retry_after_s(self, queued: int) -> int:
        """Say when a caller that was shed may come back: 1 to 30 seconds."""
        return min(1 + max(queued, 0) // QUEUED_PER_S, RETRY_AFTER_MAX_S)
