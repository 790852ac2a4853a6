"""The charm's options with their types, and messages that say what is allowed."""
