"""The charm's records in LXD's database, for all members."""
