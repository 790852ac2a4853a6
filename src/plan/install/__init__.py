"""Which LXD is installed, and when another one is."""
