"""A stand-in for Juju and its machines on one computer: see docs/reference/lab.md."""
