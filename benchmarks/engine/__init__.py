"""The engine: durable steps, governed agent turns, disk, resume, memory and import, beside its peers."""
