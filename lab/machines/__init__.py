"""The lab's machines: systemd-nspawn containers with real systemd, real snapd and room for LXD."""
