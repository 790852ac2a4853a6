"""From what a unit sees to what it does: pure functions, without I/O, clock or randomness."""
