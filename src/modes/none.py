"""No default network: the operator attaches instances to other networks."""

from modes.mode import Mode

MODE = Mode(name="none")
