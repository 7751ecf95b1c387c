"""Model clients: scripted replies, a recorder, a patient wrapper, and the choice among adapters."""
