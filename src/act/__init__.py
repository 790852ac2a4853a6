"""Carries out the steps of a plan, by topic."""
