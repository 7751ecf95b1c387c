"""The words and laws of Orket: pure values and pure functions, no I/O, no clock, no randomness."""
