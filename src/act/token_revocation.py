# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Cancels a join token that LXD has made and that no unit gets: LXD would accept it."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress

from lxd import join_tokens
from lxd.errors import LxdError, LxdUnreachable
from ports.ports import Ports
from state.hook_input import HookInput
from steps.plan import Plan

logger = logging.getLogger(__name__)


@contextmanager
def sealing(name: str, token: str, ports: Ports) -> Generator[None]:
    """Cancel the token for the member `name` if the body of this context fails."""
    try:
        yield
    except BaseException:
        _cancel(name, join_tokens.digest(token), ports)
        raise


@contextmanager
def publishing(juju: HookInput, plan: Plan, ports: Ports) -> Generator[None]:
    """Cancel the token that this hook has made if the hook fails: then Juju publishes nothing."""
    try:
        yield
    except BaseException:
        published = juju.peers.own.token if juju.peers else None
        made = plan.own.token if plan.own else None
        if made is not None and made != published:
            _cancel(made.name, made.digest, ports)
        raise


def _cancel(name: str, digest: str, ports: Ports) -> None:
    logger.warning("the join token for %s is cancelled: no unit knows it", name)
    # The earlier error has more information. The next token for that name invalidates this one.
    with suppress(LxdError, LxdUnreachable):
        ports.lxd.cluster.cancel_token(name, digest)
