"""The model clients, each held to the port and tested for what is its own."""
