# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Executes one step of a plan. Each step first looks at what exists, and ends by its deadline."""

from __future__ import annotations

import subprocess

from act import addresses, forming, install, leaving, networks, server, storage, token_sealing
from act.handlers import Handlers
from host.snap import ChannelUnknownError, OperatorNeededError, SnapError
from lxd.errors import LxdError, LxdUnreachable
from ports.ports import Ports
from state.view import RunHistory
from steps.plan import Step
from values import transient_errors
from values.status import StatusText


class StepFailed(Exception):  # noqa: N818 - it is the name of what happened
    """A step did not succeed.

    `later` says whether it may succeed later without the operator, `plain` whether the reason alone
    is the message.
    """

    def __init__(self, step: Step, reason: str, *, later: bool, plain: bool = False) -> None:
        super().__init__(reason)
        self.step = step
        self.reason = reason
        self.later = later
        self.plain = plain

    @property
    def message(self) -> StatusText:
        """The message for the operator."""
        return self.reason if self.plain else f"could not {self.step}: {self.reason}"


def act(step: Step, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Executes `step`. The returned history also has what no later hook can observe.

    Raises StepFailed.
    """
    try:
        return HANDLERS[type(step)](step, unit, ports, history)
    except OperatorNeededError as error:
        raise StepFailed(step, str(error), later=False, plain=True) from error
    except ChannelUnknownError as error:
        raise StepFailed(step, str(error), later=False) from error
    except (SnapError, LxdUnreachable, OSError, subprocess.SubprocessError) as error:
        raise StepFailed(step, str(error), later=True) from error
    except (LxdError, token_sealing.SealError) as error:
        raise StepFailed(step, str(error), later=transient_errors.passes(str(error))) from error


HANDLERS: Handlers = {
    **addresses.HANDLERS,
    **forming.HANDLERS,
    **install.HANDLERS,
    **leaving.HANDLERS,
    **networks.HANDLERS,
    **server.HANDLERS,
    **storage.HANDLERS,
}
"""The function for each kind of step."""
