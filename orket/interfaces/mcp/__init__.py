"""Orket as an MCP server: runs, cards and approvals as tools, over the same bridge as everybody else.

Needs the extra ``orket[mcp]``; nothing else imports this package.
"""
