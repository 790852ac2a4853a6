"""The lab's machines: containers, or emulated computers, with systemd, snapd and room for LXD."""
