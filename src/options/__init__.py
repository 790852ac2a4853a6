"""The charm's options, typed: what is allowed, in words."""
