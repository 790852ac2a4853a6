"""The effect and the answer of each request, in a module for each kind of object."""
