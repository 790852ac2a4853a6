"""From a unit's view to its steps: pure functions, without I/O, clock or randomness."""
