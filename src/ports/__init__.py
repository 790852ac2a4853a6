"""The things outside this process that the charm looks at and changes."""
