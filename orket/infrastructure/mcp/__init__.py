"""MCP servers: the way to them by the official SDK, and the file of what was approved of them."""
