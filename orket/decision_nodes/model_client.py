"""``model_client_node``: which adapter serves a model, and how patiently it is asked."""

from __future__ import annotations

from orket.decision_nodes.decisions import RetryPolicy

ADAPTERS = ("scripted", "openai", "responses", "anthropic", "ollama", "local")
DEFAULT_ADAPTER = "ollama"


class DefaultModelClientNode:
    """The word before the first colon when it names an adapter, otherwise Ollama on this machine.

    ``small-coder:3b`` is a model's name with a tag and no adapter; a bare name never leaves the machine. A
    scripted model is asked once, because its answer does not change; a server three times, after 1 and 2
    seconds.
    """

    def adapter(self, model: str) -> str:
        """Name the adapter."""
        word = model.partition(":")[0]
        return word if word in ADAPTERS else DEFAULT_ADAPTER

    def retries(self, model: str) -> RetryPolicy:
        """Set the patience."""
        attempts = 1 if self.adapter(model) == "scripted" else 3
        return RetryPolicy(attempts_max=attempts, first_delay_s=1.0, delay_max_s=8.0)
