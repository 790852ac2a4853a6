"""A stand-in for Juju and its machines on one computer: see lab/README.md."""
