"""Other actor libraries, one file each, run in virtual environments of their own."""
