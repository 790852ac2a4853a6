"""The operator's actions, a file for each: what it refuses, and what it does."""
