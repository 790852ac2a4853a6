"""Looks at LXD, the snap and the machine, and changes nothing."""
