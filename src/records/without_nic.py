# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Running instances that LXD could not give the default profile's new nic.

LXD saves the profile all the same, and says which instances it could not change only once
(`doProfileUpdate` in profiles_utils.go, 5.0 to 6.9), or never if its answer is lost. A note lists
them until they have the nic after their next start, or an `eth0` of their own. Before the change it
lists all running instances, without the time of a start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

NOTE = "without-nic"


def read(notes: Mapping[str, str]) -> dict[str, str]:
    """By instance, as PROJECT/NAME: the time of its last start, when LXD could not change it.

    The time is empty if it is not known yet whether LXD changed the instance.
    """
    try:
        found: dict[str, str] = json.loads(notes.get(NOTE, "") or "{}")
        return {str(instance): str(started) for instance, started in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # It is not a note of the charm.


def written(instances: Mapping[str, str]) -> dict[str, str]:
    """The note about these instances, each with the time of its last start."""
    return {NOTE: json.dumps(instances, sort_keys=True) if instances else ""}
