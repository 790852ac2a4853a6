# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Every scripted history. Each sends the same requests to the model and to real machines."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance import joining, leaving, losing, networking, pooling
from tests.conformance.answers import Transcript

History = Callable[[Transcript], None]

HISTORIES: dict[str, History] = {
    "forming": joining.forming,
    "tokens": joining.tokens,
    "token-of-the-dead": joining.token_of_the_dead,
    "notes": joining.notes,
    "not-pristine": joining.not_pristine,
    "two-at-once": joining.two_at_once,
    "half-a-join": joining.half_a_join,
    "leaving": leaving.leaving,
    "leaving-and-back": leaving.leaving_and_back,
    "two-to-one": leaving.two_to_one,
    "leaving-with-data": leaving.leaving_with_data,
    "leaving-with-one-down": leaving.leaving_with_one_down,
    "evacuation": leaving.evacuation,
    "moving": leaving.moving,
    "evacuating-the-dead": leaving.evacuating_the_dead,
    "a-death": losing.a_death,
    "removing-the-living": leaving.removing_the_living,
    "a-daemon-down": losing.a_daemon_down,
    "joining-with-one-down": joining.joining_with_one_down,
    "quorum": losing.quorum,
    "recovery": losing.recovery,
    "recovery-and-return": losing.recovery_and_return,
    "recovery-among-the-living": losing.recovery_among_the_living,
    "recovering-a-spare": losing.recovering_a_spare,
    "partition": losing.partition,
    "networks": networking.networks,
    "interfaces": networking.interfaces,
    "roles": networking.roles,
    "names-taken": joining.names_taken,
    "pools": pooling.pools,
    "another-default": pooling.another_default,
}
"""Every history by its name."""
