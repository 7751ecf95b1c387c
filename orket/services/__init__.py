"""The working rooms: tool executor and tools above, sandbox orchestrator and sandboxes below."""
