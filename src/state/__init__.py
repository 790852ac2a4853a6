"""What a unit sees, as plain values: Juju, the peers, LXD, the machine."""
