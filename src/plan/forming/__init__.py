"""How units become one cluster."""
