"""The configuration that all members share."""
