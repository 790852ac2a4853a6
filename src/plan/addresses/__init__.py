"""The addresses that LXD listens on."""
