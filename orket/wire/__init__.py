"""What travels over HTTP, shared by the bridge and its client.

Requests forbid unknown fields, so that a typing error is not passed over. Answers allow them, so that a
client keeps working with a newer engine.
"""
