"""Plain values and text: they know nothing of the cluster, and are read by all others."""
