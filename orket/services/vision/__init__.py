"""Looking at pictures, by a program that runs inside a sandbox."""
