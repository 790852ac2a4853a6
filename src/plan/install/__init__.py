"""The LXD to install, and when to exchange it."""
