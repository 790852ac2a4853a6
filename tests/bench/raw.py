# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD on the bench without the charm: members are made by hand, for recordings."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import time
from typing import Any

from lab.bench.bench import Bench
from lab.bench.node import Node
from tests.bench.recorder import Recorder

POOL, NETWORK = "local", "lxdbr0"
IMAGE = "small"
_LEFT = 30.0
"""Seconds until a server that has left its cluster answers again."""
ADDRESSES = ("core.https_address", "cluster.https_address")


def started(ground: Bench, number: int) -> Node:
    node = ground.add(number)
    node.start_daemon()
    node.await_lxd()
    return node


def bootstrapped(ground: Bench) -> Node:
    """The only member of a cluster, with a pool and a network."""
    node, quiet = started(ground, 0), Recorder()
    addresses = dict.fromkeys(ADDRESSES, f"{node.place.address}:8443")
    quiet.change(node, "PATCH", "/1.0", {"config": addresses})
    quiet.change(node, "POST", "/1.0/storage-pools", {"name": POOL, "driver": "dir"})
    quiet.change(node, "PUT", "/1.0/cluster", {"server_name": "m0", "enabled": True})
    quiet.change(node, "POST", "/1.0/networks?target=m0", {"name": NETWORK, "type": "bridge"})
    quiet.change(node, "POST", "/1.0/networks", {"name": NETWORK, "type": "bridge"})
    devices = {
        "root": {"type": "disk", "path": "/", "pool": POOL},
        "eth0": {"type": "nic", "network": NETWORK, "name": "eth0"},
    }
    quiet.change(node, "PUT", "/1.0/profiles/default", {"config": {}, "devices": devices})
    return node


def formed(ground: Bench, count: int) -> list[Node]:
    """Members of a cluster, with an image of a container."""
    nodes, quiet = [bootstrapped(ground)], Recorder()
    for number in range(1, count):
        node = started(ground, number)
        join(quiet, node, token(quiet, nodes[0], f"m{number}"))
        nodes.append(node)
    import_image(ground, nodes[0], IMAGE)
    return nodes


def token(tape: Recorder, issuer: Node, name: str) -> str:
    return packed(tape.send(issuer, "POST", "/1.0/cluster/members", {"server_name": name}))


def packed(answer: Any) -> str:
    """The text that LXD's client makes from the operation's answer."""
    operation = answer["metadata"]["metadata"]
    token = {
        "server_name": operation["serverName"],
        "fingerprint": operation["fingerprint"],
        "addresses": operation["addresses"],
        "secret": operation["secret"],
        "expires_at": operation["expiresAt"],
    }
    return base64.b64encode(json.dumps(token).encode()).decode()


def join(tape: Recorder, node: Node, token: str, **other: str) -> None:
    """PUT /1.0/cluster as the charm sends it, except for the given changes."""
    address = json.loads(base64.b64decode(token))["addresses"][0]
    quiet = Recorder()
    extensions = quiet.send(node, "GET", "/1.0")["metadata"]["api_extensions"]
    key = "cluster_token" if "explicit_trust_token" in extensions else "cluster_password"
    body: dict[str, Any] = {
        "server_name": node.place.hostname,
        "server_address": f"{node.place.address}:8443",
        "enabled": True,
        "cluster_address": address,
        "cluster_certificate": shown_certificate(address),
        "member_config": [],
        key: token,
        **other,
    }
    tape.change(node, "PATCH", "/1.0", {"config": {"core.https_address": body["server_address"]}})
    tape.change(node, "PUT", "/1.0/cluster", body)


def shown_certificate(address: str) -> str:
    """The certificate that a server shows."""
    host, _, port = address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)), timeout=10)


def own_certificate(node: Node) -> str:
    return (node.lxd_dir / "server.crt").read_text()


def emptied(node: Node) -> None:
    for entry in node.lxd_dir.iterdir():
        if entry.name in ("shmounts", "devlxd", "guestapi", "devIncus"):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink()


def launch(tape: Recorder, node: Node, name: str, member: str) -> None:
    """A running container."""
    body = {"name": name, "type": "container", "source": {"type": "image", "alias": IMAGE}}
    tape.change(node, "POST", f"/1.0/instances?target={member}", body)
    tape.change(node, "PUT", f"/1.0/instances/{name}/state", {"action": "start"})


def delete(tape: Recorder, node: Node, name: str) -> None:
    stop = {"action": "stop", "force": True}
    tape.change(node, "PUT", f"/1.0/instances/{name}/state", stop)
    tape.change(node, "DELETE", f"/1.0/instances/{name}")


def import_image(ground: Bench, node: Node, alias: str) -> None:
    copy = node.place.folder / f"{alias}.tar.gz"
    shutil.copy(ground.image.container, copy)
    if alias != IMAGE:
        # This gives another fingerprint: gzip ignores what follows its end.
        with copy.open("ab") as file:
            file.write(bytes(512))
    node.lxc("image", "import", str(copy), f"--alias={alias}")


def raft_leader(nodes: list[Node]) -> Node:
    rows = Recorder().send(nodes[0], "GET", "/1.0/cluster/members?recursion=1")["metadata"]
    name = next(row["server_name"] for row in rows if "database-leader" in row["roles"])
    return next(node for node in nodes if node.place.hostname == name)


def await_answer(node: Node) -> None:
    """Waits until a server that has left has started again."""
    end = time.monotonic() + _LEFT
    quiet = Recorder()
    while (answer := quiet.send(node, "GET", "/1.0")) is None or answer["metadata"]["environment"][
        "server_clustered"
    ]:
        if time.monotonic() > end:
            raise TimeoutError(f"{node.place.hostname} is still clustered")
        time.sleep(0.5)
