"""How units and members leave the cluster."""
