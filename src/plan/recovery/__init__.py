"""Plans while LXD or its database does not answer."""
