"""LXD servers, their clusters and their machines in memory: what the simulation runs on."""
