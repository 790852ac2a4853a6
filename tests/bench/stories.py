# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The recorded histories: members join and leave, as the cluster's API shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.bench import slots
from lab.bench.bench import Bench
from tests.bench import raw
from tests.bench.recorder import Recorder, operation

_MEMBERS = "/1.0/cluster/members?recursion=1"
_OPERATIONS = "/1.0/operations?recursion=1"
_INSTANCES = "/1.0/instances?recursion=1&all-projects=true"
_CERTIFICATES = "/1.0/certificates?recursion=1"

Story = Callable[[Bench, Recorder], None]


def bootstrapping(ground: Bench, tape: Recorder) -> None:
    """A server becomes a cluster."""
    node = raw.started(ground, 0)
    tape.label = "a bootstrap without an address"
    tape.change(node, "PUT", "/1.0/cluster", {"server_name": "m0", "enabled": True})
    tape.label = "addresses are set"
    addresses = dict.fromkeys(raw.ADDRESSES, f"{node.place.address}:8443")
    tape.change(node, "PATCH", "/1.0", {"config": addresses})
    tape.label = "a pool is made before the bootstrap"
    tape.change(node, "POST", "/1.0/storage-pools", {"name": raw.POOL, "driver": "dir"})
    tape.label = "a bootstrap"
    tape.change(node, "PUT", "/1.0/cluster", {"server_name": "m0", "enabled": True})
    tape.label = "after a bootstrap"
    tape.get(node, "/1.0", "/1.0/cluster", _MEMBERS, _OPERATIONS, f"/1.0/storage-pools/{raw.POOL}")
    tape.label = "a bootstrap of a cluster"
    tape.change(node, "PUT", "/1.0/cluster", {"server_name": "m0", "enabled": True})
    tape.label = "the only member is removed"
    tape.change(node, "DELETE", "/1.0/cluster/members/m0")


def joining(ground: Bench, tape: Recorder) -> None:
    """A server joins, and the joins of others fail."""
    first, second = raw.bootstrapped(ground), raw.started(ground, 1)
    tape.label = "before a join"
    tape.get(first, "/1.0/cluster")
    tape.label = "a join token"
    token = raw.token(tape, first, "m1")
    nowhere = f"{slots.address(ground.slot, 99)}:8443"
    tape.label = "a join with an address that is not this server's"
    raw.join(tape, second, token, server_address=nowhere)
    tape.label = "a join, the cluster's address answers nobody"
    raw.join(tape, second, token, cluster_address=f"{second.place.address}:1")
    tape.label = "a join with another certificate"
    raw.join(tape, second, token, cluster_certificate=raw.own_certificate(second))
    tape.label = "a join"
    raw.join(tape, second, token)
    tape.label = "after a join"
    tape.get(second, "/1.0", _MEMBERS, _OPERATIONS, _CERTIFICATES)
    tape.get(first, _MEMBERS)
    third = raw.started(ground, 2)
    tape.label = "a join with a token that was used"
    raw.join(tape, third, token, server_name="m1")
    tape.label = "a join with a token that was cancelled"
    operation_answer = tape.send(first, "POST", "/1.0/cluster/members", {"server_name": "m2"})
    tape.send(first, "DELETE", operation(operation_answer))
    raw.join(tape, third, raw.packed(operation_answer))
    tape.label = "after joins that failed"
    tape.get(third, "/1.0", "/1.0/storage-pools?recursion=1", "/1.0/networks?recursion=1")
    tape.get(first, _MEMBERS, _OPERATIONS, _CERTIFICATES)
    tape.label = "a join of a server that has a pool"
    tape.change(third, "POST", "/1.0/storage-pools", {"name": "own", "driver": "dir"})
    raw.join(tape, third, raw.token(tape, first, "m2"))
    tape.label = "the pool of a server that has joined"
    tape.get(third, "/1.0/storage-pools?recursion=1")
    tape.label = "a join under another name than the token's"
    raw.join(tape, raw.started(ground, 3), raw.token(tape, first, "m3"), server_name="other")
    tape.label = "the cluster then"
    tape.get(first, _MEMBERS, _OPERATIONS, _CERTIFICATES)


def a_join_is_cut_short(ground: Bench, tape: Recorder) -> None:
    """A server dies while it joins, then tries with a new certificate, then with its old one."""
    first, second = raw.bootstrapped(ground), raw.started(ground, 1)
    token = raw.token(tape, first, "m1")
    certificate = [(second.lxd_dir / name).read_bytes() for name in ("server.crt", "server.key")]
    tape.label = "a join during which the daemon is killed"
    killer = threading.Timer(0.15, second.kill_daemon)
    killer.start()
    raw.join(tape, second, token)
    killer.join()
    tape.label = "the cluster then"
    tape.get(first, _MEMBERS, _OPERATIONS, _CERTIFICATES)
    tape.label = "a join of the same name with a new certificate"
    raw.emptied(second)
    second.start_daemon()
    second.await_lxd()
    raw.join(tape, second, raw.token(tape, first, "m1"))
    tape.label = "the cluster then"
    tape.get(first, _MEMBERS, _CERTIFICATES)
    tape.label = "the half member is removed by force"
    tape.change(first, "DELETE", "/1.0/cluster/members/m1?force=1")
    tape.label = "a join of the same name with the certificate of before"
    second.kill_daemon()
    raw.emptied(second)
    for name, content in zip(("server.crt", "server.key"), certificate, strict=True):
        (second.lxd_dir / name).write_bytes(content)
    second.start_daemon()
    second.await_lxd()
    raw.join(tape, second, raw.token(tape, first, "m1"))
    tape.label = "the cluster then"
    tape.get(first, _MEMBERS, _CERTIFICATES)


def leaving(ground: Bench, tape: Recorder) -> None:
    """Members leave without force, and LXD refuses it while they hold something."""
    nodes = raw.formed(ground, 4)
    first, last = nodes[0], nodes[3]
    tape.label = "an instance on the member"
    raw.launch(tape, first, "c1", "m3")
    tape.label = "a member with a running instance leaves"
    tape.change(last, "DELETE", "/1.0/cluster/members/m3")
    tape.label = "the instance is deleted"
    raw.delete(tape, first, "c1")
    tape.label = "a volume on the member"
    volumes = f"/1.0/storage-pools/{raw.POOL}/volumes/custom"
    tape.change(first, "POST", f"{volumes}?target=m3", {"name": "v1", "config": {}})
    tape.label = "a member with a volume leaves"
    tape.change(last, "DELETE", "/1.0/cluster/members/m3")
    tape.label = "the volume is deleted"
    tape.change(first, "DELETE", f"{volumes}/v1?target=m3")
    tape.label = "images have one copy, and it is on the member"
    tape.change(first, "PATCH", "/1.0", {"config": {"cluster.images_minimal_replica": "1"}})
    raw.import_image(ground, last, "only-here")
    tape.get(first, "/1.0/images?recursion=1")
    tape.label = "a member with the only copy of an image leaves"
    tape.change(last, "DELETE", "/1.0/cluster/members/m3")
    tape.label = "images have three copies again"
    tape.change(first, "PATCH", "/1.0", {"config": {"cluster.images_minimal_replica": "3"}})
    tape.label = "an empty member leaves"
    tape.change(last, "DELETE", "/1.0/cluster/members/m3")
    tape.label = "a server that has left"
    raw.await_answer(last)
    tape.get(last, "/1.0", "/1.0/storage-pools?recursion=1", _CERTIFICATES)
    tape.label = "the cluster that it left"
    tape.get(first, _MEMBERS, _CERTIFICATES)
    tape.label = "the Raft leader leaves"
    leader = raw.raft_leader(nodes[:3])
    tape.change(leader, "DELETE", f"/1.0/cluster/members/{leader.place.hostname}")
    tape.label = "the cluster that the Raft leader left"
    rest = [node for node in nodes[:3] if node is not leader]
    tape.get(rest[0], _MEMBERS)
    tape.label = "of two members the voter leaves"
    voter = raw.raft_leader(rest)
    tape.change(voter, "DELETE", f"/1.0/cluster/members/{voter.place.hostname}")
    (alone,) = [node for node in rest if node is not voter]
    for seconds in (0, 15, 30):
        tape.label = f"the last member after {seconds} s"
        time.sleep(15 if seconds else 0)
        tape.get(alone, "/1.0", _MEMBERS)


def evacuating_one_of_two(ground: Bench, tape: Recorder) -> None:
    """The members of a cluster of two are evacuated, with running containers."""
    first, second = raw.formed(ground, 2)
    tape.label = "two members"
    tape.get(first, _MEMBERS)
    raw.launch(tape, first, "c0", "m0")
    raw.launch(tape, first, "c1", "m1")
    for node, other in ((first, second), (second, first)):
        name = node.place.hostname
        tape.label = f"of two members {name} is evacuated"
        tape.change(node, "POST", f"/1.0/cluster/members/{name}/state", {"action": "evacuate"})
        tape.label = f"{name} evacuated"
        tape.get(other, _MEMBERS, _INSTANCES)
        tape.label = f"of two members {name} is evacuated, forced"
        body = {"action": "evacuate", "force": True}
        tape.change(node, "POST", f"/1.0/cluster/members/{name}/state", body)
        tape.label = f"{name} evacuated"
        tape.get(other, _MEMBERS, _INSTANCES)
        tape.label = f"{name} is restored"
        tape.change(node, "POST", f"/1.0/cluster/members/{name}/state", {"action": "restore"})
        tape.label = f"{name} restored"
        tape.get(other, _MEMBERS, _INSTANCES)


def evacuating_two_at_once(ground: Bench, tape: Recorder) -> None:
    """Two of four members are evacuated at the same time, each with two running containers."""
    nodes = raw.formed(ground, 4)
    first = nodes[0]
    for number in range(4):
        tape.label = f"a running container c{number}"
        raw.launch(tape, first, f"c{number}", f"m{2 + number % 2}")
    begun: list[Any] = []
    for node in nodes[2:]:
        name = node.place.hostname
        tape.label = f"{name} is evacuated"
        path = f"/1.0/cluster/members/{name}/state"
        begun.append(tape.send(node, "POST", path, {"action": "evacuate"}))
    tape.label = "while both are evacuated"
    tape.get(first, _MEMBERS, _OPERATIONS, _INSTANCES)
    for answer in begun:
        if answer["type"] == "async":
            tape.label = "a wait of 1 s for an evacuation"
            tape.get(first, f"{operation(answer)}/wait?timeout=1", operation(answer))
    for answer in begun:
        if answer["type"] == "async":
            tape.label = "an evacuation awaited"
            tape.get(first, f"{operation(answer)}/wait?timeout=60", operation(answer))
    tape.label = "after both evacuations"
    tape.get(first, _MEMBERS, _INSTANCES, _OPERATIONS)
    tape.label = "an evacuated member is evacuated"
    path = "/1.0/cluster/members/m2/state"
    tape.change(first, "POST", path, {"action": "evacuate"})
    tape.label = "an instance is made and started on an evacuated member"
    body = {"name": "e1", "type": "container", "source": {"type": "image", "alias": raw.IMAGE}}
    tape.change(first, "POST", "/1.0/instances?target=m2", body)
    tape.change(first, "PUT", "/1.0/instances/e1/state", {"action": "start"})
    tape.label = "a member is restored, the instances stay"
    tape.change(first, "POST", path, {"action": "restore", "mode": "skip"})
    tape.label = "then"
    tape.get(first, _MEMBERS, _INSTANCES)


def waiting_for_the_others(ground: Bench, tape: Recorder, later: Path) -> None:
    """Members of two versions: those with the later version wait for the others."""
    nodes = raw.formed(ground, 3)
    looks = ("/", "/1.0", "/internal/ready", _MEMBERS)
    for number, node in enumerate(nodes):
        node.stop_daemon()
        node.exchange(later)
        node.start_daemon()
        time.sleep(5)
        for other in nodes:
            has = "the later" if other.lxd == later else "the earlier"
            tape.label = f"{number + 1} of 3 have the later LXD: one that has {has}"
            tape.get(other, *looks, seconds=15)
    tape.label = "all have the later LXD"
    for node in nodes:
        node.await_lxd(60)
    tape.get(nodes[0], "/1.0", _MEMBERS)


STORIES: tuple[Story, ...] = (
    bootstrapping,
    joining,
    a_join_is_cut_short,
    leaving,
    evacuating_one_of_two,
    evacuating_two_at_once,
)
