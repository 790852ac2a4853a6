# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What operators do by hand, with `lxc`, without the charm. It takes no time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lxd.http import Request
from tests.lxd_model import evacuation, joining, membership
from tests.lxd_model.api import instances as api_instances
from tests.lxd_model.listeners import CLUSTER, CORE
from tests.lxd_model.operations import Work
from tests.lxd_model.server import Server
from tests.lxd_model.things import (
    DEFAULT,
    Bucket,
    Config,
    Devices,
    Image,
    Instance,
    Network,
    Pool,
    Profile,
    Volume,
)

_PORT = 8443


def launch(
    server: Server,
    name: str,
    evacuate: str = "",
    *,
    project: str = DEFAULT,
    devices: Devices | None = None,
    config: Config | None = None,
    ephemeral: bool = False,
    running: bool = True,
    kind: str = "container",
) -> Instance:
    """A new instance on a server, running."""
    server.cloud.tick()
    where = {"cluster.evacuate": evacuate} if evacuate not in ("", "auto") else {}
    instance = Instance(
        project=project,
        name=name,
        location=server.place,
        running=running,
        config={**(config or {}), **where},
        devices=dict(devices or {}),
        ephemeral=ephemeral,
        kind=kind,
        launched=server.cloud.now,
    )
    return api_instances.keep(server, instance)


def create(server: Server, name: str, evacuate: str = "", *, project: str = DEFAULT) -> Instance:
    """A new, stopped instance on a server."""
    return launch(server, name, evacuate, project=project, running=False)


def add_volume(server: Server, pool: str, name: str, project: str = DEFAULT) -> Volume:
    """A new custom volume on a server."""
    server.cloud.tick()
    volume = Volume(project, pool, name, server.place)
    server.records.volumes[volume.key] = volume
    server.disk[str(volume)] = volume
    return volume


def add_shared_pool(server: Server, name: str) -> None:
    """A new pool in the operator's own Ceph, on all members."""
    server.cloud.tick()
    members = frozenset(row.name for row in server.records.members)
    own = {member: dict[str, str]() for member in members}
    config = {"ceph.cluster_name": "ceph", "ceph.osd.pool_name": name}
    server.records.pools[name] = Pool(name, "ceph", "Created", config, own, members)


def add_bucket(server: Server, pool: str, name: str, project: str = DEFAULT) -> Bucket:
    """A new storage bucket on a server."""
    server.cloud.tick()
    bucket = Bucket(project, pool, name, server.place)
    server.records.buckets[bucket.key] = bucket
    server.disk[str(bucket)] = bucket
    return bucket


def add_project(server: Server, name: str, config: Config) -> None:
    """A new project."""
    request = Request("POST", "/1.0/projects", body={"name": name, "config": dict(config)})
    error = server.lxd.send(request, 5).error
    assert not error, error


def add_network(server: Server, project: str, name: str, uplink: str) -> Network:
    """An OVN network of a project, on an uplink of the default project."""
    made = Network(name, "ovn", "Created", {"network": uplink}, project=project)
    server.records.networks[name] = made
    return made


def add_image(server: Server, fingerprint: str) -> Image:
    """A new image with a copy on this server only."""
    server.cloud.tick()
    image = Image(fingerprint, frozenset({server.place}))
    server.records.images[fingerprint] = image
    server.disk[str(image)] = image
    return image


def add_profile(server: Server, name: str) -> Profile:
    """A new, empty profile of the default project."""
    server.cloud.tick()
    profile = Profile(DEFAULT, name)
    server.records.profiles[profile.key] = profile
    return profile


def evacuate(server: Server, name: str = "") -> None:
    """`lxc cluster evacuate`, until its end. Raises Refusal."""
    finish(server, evacuation.evacuation(server, name or server.name).work)


def restore(server: Server, name: str = "") -> None:
    """`lxc cluster restore`, until its end. Raises Refusal."""
    finish(server, evacuation.restoring(server, name or server.name).work)


def finish(server: Server, work: Work) -> None:
    """Runs work until its end at once. Raises Refusal if it fails."""
    for seconds in work:
        if math.isinf(seconds):
            raise RuntimeError("this hangs for good")
    server.cloud.operations = [o for o in server.cloud.operations if o.work is not work]


def rename_member(server: Server, name: str, new: str) -> None:
    """`lxc cluster rename`."""
    server.cloud.tick()
    membership.rename(server, name, new)


def update_certificate(server: Server) -> None:
    """`lxc cluster update-certificate`: the same cluster gets another certificate."""
    server.cloud.tick()
    server.records.certificate = f"{server.records.identity} renewed {server.cloud.count()}"


def listen(server: Server) -> str:
    """LXD listens on its machine's address, for clients and members. Returns its endpoint."""
    endpoint = f"{server.address}:{_PORT}"
    server.config.update({CORE: endpoint, CLUSTER: endpoint})
    server.listeners.open()
    return endpoint


def empty(server: Server) -> None:
    """LXD's folder is emptied, and its daemon started again. Its bridges stay without an owner."""
    networks = server.records.networks.values()
    left = {network.name for network in networks if network.type == "bridge"}
    server.kill_daemon()
    server.files.empty_lxd()
    server.left |= left
    server.start_daemon()
    server.cloud.now = max(server.cloud.now, server.ready)


def bootstrap(server: Server, name: str = "") -> None:
    """`lxd init`: a cluster of one."""
    listen(server)
    finish(server, joining.bootstrap(server, name or server.hostname))
    server.cloud.tick()


def join(
    server: Server, member: Server, name: str = "", answers: tuple[Mapping[str, Any], ...] = ()
) -> None:
    """`lxc cluster add` on a member, `lxd init` on the joining server. Raises Refusal."""
    endpoint = f"{server.address}:{_PORT}"
    server.config.setdefault(CORE, endpoint)
    server.listeners.open()
    name = name or server.hostname
    token = joining.make_token(member, name)
    request = joining.JoinRequest(
        name=name,
        address=endpoint,
        way=token.addresses[0],
        token={"server_name": name, "secret": token.secret},
        answers=answers,
    )
    joining.listen(server, request)
    finish(server, joining.join(server, request))
    server.cloud.tick()
