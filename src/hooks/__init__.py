"""What Juju says to a unit and what the unit tells through Juju."""
