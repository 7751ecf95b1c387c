"""How well models of this machine choose the next step."""
