"""A unit's view, as plain values: Juju, the peers, LXD, the machine."""
