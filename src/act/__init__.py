"""Executes the steps of a plan, by topic."""
