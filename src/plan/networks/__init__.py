"""The cluster's networks."""
