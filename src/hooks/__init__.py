"""Juju's input to a unit, and what the unit publishes through Juju."""
