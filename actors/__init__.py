"""An embeddable, typed actor runtime on anyio (asyncio and trio)."""
