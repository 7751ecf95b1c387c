"""How fast the simulator is, and how long it takes to find each bug of the catalogue."""
