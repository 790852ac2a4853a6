"""Interfaces to everything outside this process that the charm looks at and changes."""
