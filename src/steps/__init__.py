"""The parts of a plan: each step says what must be true afterwards."""
