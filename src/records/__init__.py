"""What the charm keeps in LXD's database for all members."""
