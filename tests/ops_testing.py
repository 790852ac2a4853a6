"""Makes ops.testing take what Juju takes: import it before a Context is used."""

from __future__ import annotations

from scenario import (  # pyright: ignore[reportMissingTypeStubs]
    _consistency_checker,  # pyright: ignore[reportPrivateUsage]
)


def _any_type(*_: object) -> None:
    """Checks nothing of an action's parameters.

    ops.testing wants one type for each. Juju wants none, and its client sends what it makes of the
    text that was typed.
    """


_consistency_checker._check_action_param_types = _any_type  # pyright: ignore[reportPrivateUsage]
