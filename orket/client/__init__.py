"""A typed client of the HTTP bridge, over TCP or the Unix socket of a running engine, on asyncio and trio."""
