# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD on this machine, and its cluster through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxd.buckets import BucketsApi
from lxd.client import Client
from lxd.cluster import ClusterApi
from lxd.images import ImagesApi
from lxd.instances import InstancesApi
from lxd.members import MembersApi
from lxd.networks import NetworksApi
from lxd.notes import NotesApi
from lxd.placements import PlacementsApi
from lxd.pools import PoolsApi
from lxd.profiles import ProfilesApi
from lxd.projects import ProjectsApi
from lxd.server import ServerApi
from lxd.trust import TrustApi
from lxd.volumes import VolumesApi

if TYPE_CHECKING:
    from lxd.port import LxdPort


class LxdApi:
    """The charm's interface to LXD: a part for each kind of object.

    Every method raises LxdError if LXD refuses, LxdStopped if its daemon does not run, and
    LxdUnreachable after its deadline, which is one of `deadlines` unless it is an argument.
    """

    def __init__(self, port: LxdPort) -> None:
        client = Client(port)
        self.server = ServerApi(client)
        self.cluster = ClusterApi(client)
        self.members = MembersApi(client)
        self.trust = TrustApi(client)
        self.instances = InstancesApi(client)
        self.placements = PlacementsApi(client)
        self.pools = PoolsApi(client)
        self.buckets = BucketsApi(client)
        self.images = ImagesApi(client)
        self.projects = ProjectsApi(client)
        self.volumes = VolumesApi(client)
        self.networks = NetworksApi(client)
        self.profiles = ProfilesApi(client)
        self.notes = NotesApi(client)
