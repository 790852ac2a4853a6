"""What is done while LXD or its database does not answer."""
