"""The lab's machines: containers or emulated computers with systemd, snapd and a place for LXD."""
