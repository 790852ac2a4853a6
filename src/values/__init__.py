"""Plain values and text, without knowledge of the cluster: all other packages use them."""
