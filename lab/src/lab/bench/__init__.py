"""The bench: daemons of any LXD in namespaces of this computer, without machines and snapd."""
