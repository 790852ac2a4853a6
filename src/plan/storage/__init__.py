"""The cluster's storage pools and volumes."""
