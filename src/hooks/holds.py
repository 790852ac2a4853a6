# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Errors that keep Juju from removing a unit or its storage: the hook fails with the reason."""


class CannotLeave(Exception):  # noqa: N818 - it is the name of what happened
    """The unit that is being removed holds something. The message is for the operator."""


class CannotDetach(Exception):  # noqa: N818 - it is the name of what happened
    """The storage that is being removed is in use. The message is for the operator."""
