"""The model of LXD and the real one, asked the same."""

from importlib import import_module

# It makes the charm's flat modules known.
import_module("tests.simulation")
