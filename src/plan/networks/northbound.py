# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's address of OVN's northbound database, a key that all members share.

An operator may have set it. So the charm notes what it has written, and removes nothing else.
"""

from __future__ import annotations

from relations import ovn
from state.cluster import ClusterView
from state.notes import WROTE
from state.view import View
from steps.plan import Step
from steps.server import SetServerConfig, WriteNotes

KEY = "network.ovn.northbound_connection"
NOTE = WROTE + KEY


def steps(view: View, lxd: ClusterView) -> list[Step]:
    """Sets the key to OVN's or the option's value; or removes it if it is not needed."""
    answer = ovn.RELATION.of(view)
    wanted = answer.northbound if answer and answer.written else ""
    current, noted = lxd.server.config.get(KEY, ""), lxd.notes.get(NOTE, "")
    if wanted:
        if current == wanted:
            return []
        # The note comes first: if the hook is killed in between, the note shows whose the key is.
        return [WriteNotes({NOTE: wanted}), SetServerConfig({KEY: wanted})]
    if not noted or answer is not None or _is_used(lxd):
        return []
    own: list[Step] = [SetServerConfig({KEY: ""})] if current == noted else []
    return [*own, WriteNotes({NOTE: ""})]


def _is_used(lxd: ClusterView) -> bool:
    """Whether a network is OVN's, or this is unknown: LXD could not even delete it then."""
    return lxd.networks is None or any(network.type == "ovn" for network in lxd.networks)
