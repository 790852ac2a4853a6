"""No default network: the operator attaches instances to networks of their own."""

from modes.mode import Mode

MODE = Mode(name="none")
