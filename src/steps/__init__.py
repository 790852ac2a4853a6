"""What a plan is made of: each step says what shall be true afterwards."""
