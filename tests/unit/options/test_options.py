# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Options: valid values, and the refusal of others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import backends
import modes
from options.options import Options, explain
from values.status import STATUS_LIMIT

REFUSED = [
    (
        "storage-backend",
        "cephfs",
        "storage-backend=cephfs: it holds no instances; name it in storage-pools",
    ),
    ("storage-pool", "a/b", "storage-pool=a/b: use letters, digits, '.', '_' and '-', 50 at most"),
    ("storage-pools", "fast", "storage-pools=fast: use a YAML map such as {fast: zfs}"),
    ("storage-pools", "{", "storage-pools={: that is not YAML"),
    (
        "storage-pools",
        "local: dir",
        "storage-pools=local: dir: storage-pool already has the name local",
    ),
    (
        "storage-pools",
        "{a: {backend: cephfs, osd-pool: b}}",
        "storage-pools={a: {backend: ceph...: a: cephfs has no osd-pool; set cephfs-name",
    ),
    (
        "storage-pools",
        "{a: {backend: dir, colour: red}}",
        "storage-pools={a: {bac...: a: use only backend, size, devices, osd-pool, config",
    ),
    (
        "storage-pools",
        "{a: {backend: zfs, config: {source: /dev/sdb}}}",
        "storage-pools={a: {backend: zfs, config: {sour...: a: config cannot have source",
    ),
    (
        "storage-pools",
        "{a: {backend: zfs, size: 5}}",
        "storage-pools={a: {backend: zfs,...: a: use a number and a unit, such as 100GiB",
    ),
    (
        "networks",
        "{lan: flat}",
        "networks={lan: flat}: lan: flat is for network-mode only",
    ),
    ("storage-size", "10", "storage-size=10: use a number and a unit, such as 100GiB"),
    ("storage-size", "٣GiB", "storage-size=٣GiB: use a number and a unit, such as 100GiB"),
    (
        "network-name",
        "a" * 16,
        f"network-name={'a' * 16}: use 2 to 15 letters, digits, '.', '_' or '-'",
    ),
    (
        "network-ipv4",
        "10.0.0.1",
        "network-ipv4=10.0.0.1: use auto, none or a CIDR such as 10.10.0.1/24",
    ),
    (
        "network-ipv4",
        "fd00::1/64",
        "network-ipv4=fd00::1/64: use auto, none or a CIDR such as 10.10.0.1/24",
    ),
    (
        "network-ipv4",
        "10.0.0.255/24",
        "network-ipv4=10.0.0.255/24: that is the subnet's broadcast address",
    ),
    ("network-ipv6", "x", "network-ipv6=x: use auto, none or a CIDR such as fd00:10::1/64"),
    ("network-vlan", 5000, "network-vlan=5000: use 1 to 4094, or 0 for none"),
    ("network-mtu", 1000, "network-mtu=1000: use 1280 to 65535, or 0 for LXD's choice"),
    (
        "network-parent",
        "br/0",
        "network-parent=br/0: use names or globs of interfaces, such as br0 or enp*s0",
    ),
    (
        "network-dhcp-ranges",
        "10.0.0.9-10.0.0.1",
        "network-dhcp-ranges=10.0.0.9-10.0.0.1: 10.0.0.9-10.0.0.1 ends before it begins",
    ),
    ("network-config", "[", "network-config=[: that is not YAML"),
    (
        "network-config",
        "{parent: eth0}",
        "network-config={parent: eth0}: config cannot have parent",
    ),
    (
        "network-config",
        "{bgp.peers.r1.password: hunter2, parent: eth0}",
        "network-config=...: config cannot have parent",
    ),
    (
        "networks",
        "lan: {mode: bridge, config: {bgp.peers.r1.password: hunter2, parent: eth0}}",
        "networks=...: lan: config cannot have parent",
    ),
    (
        "network-config",
        "{ipv4.address: 10.9.0.1/24}",
        "network-config={ipv4.address: 10.9.0.1/24}: use network-ipv4, not ipv4.address",
    ),
    (
        "networks",
        "lan: {mode: bridge, config: {ipv4.address: 10.9.0.1/24}}",
        "networks=lan: {mode: bridge, config: {ipv4....: lan: use ipv4, not ipv4.address",
    ),
    (
        "networks",
        "lan",
        "networks=lan: use a YAML map such as {lan: {mode: macvlan, parent: eth1}}",
    ),
    (
        "networks",
        "lxdbr0: bridge",
        "networks=lxdbr0: bridge: network-name already has the name lxdbr0",
    ),
    (
        "networks",
        "lxdbr0-x: bridge",
        "networks=lxdbr0-...: LXD would delete lxdbr0-x with lxdbr0: choose another name",
    ),
    (
        "proxy-http",
        "user:hunter2@proxy:3128",
        "proxy-http=...@proxy:3128: use auto, none or a URL such as http://10.0.0.1:3128",
    ),
    (
        "network-name",
        "a..b",
        "network-name=a..b: use no '..', and no veth at the beginning: LXD refuses them",
    ),
    (
        "networks",
        "abcdefghijkl: vxlan",
        "networks=abcdefghijkl: v...: abcdefghijkl: use at most 11 characters with vxlan",
    ),
    (
        "networks",
        "{a-b: vxlan, a_b: vxlan}",
        "networks={a-b: vxlan, a_b:...: a-b and a_b are too similar: choose another name",
    ),
    (
        "networks",
        "{a1: {mode: macvlan, ipv4: none}}",
        "networks={a1: {mode: macvl...: a1: macvlan takes only mtu, parent, vlan, config",
    ),
    (
        "networks",
        "{a1: {mode: macvlan, vlan: x}}",
        "networks={a1: {mode: macvlan, vlan: x}}: a1: that is not a number",
    ),
    (
        "vxlan-group",
        "10.0.0.1",
        "vxlan-group=10.0.0.1: use auto, none or a multicast address such as 239.0.0.1",
    ),
    (
        "ovn-northbound",
        "10.0.0.1",
        "ovn-northbound=10.0.0.1: use tcp:ADDRESS:6641 or ssl:ADDRESS:6641",
    ),
    (
        "ovn-gateways",
        "a_b",
        "ovn-gateways=a_b: use names of members, or globs such as rack1-*",
    ),
    ("cluster-offline-threshold", 10, "cluster-offline-threshold=10: use 11 to 86400 (seconds)"),
    ("images-replicas", 0, "images-replicas=0: use 1 to 1000, or -1 for every member"),
    ("snap-channel", "5.21", "snap-channel=5.21: use TRACK/RISK, such as 5.21/stable"),
]

TAKEN = [
    ("storage_size", "", ""),
    ("storage_size", "100GiB", "100GiB"),
    ("network_ipv4", "10.1.2.3/24", "10.1.2.3/24"),
    ("network_ipv4", "10.1.2.0/24", "10.1.2.1/24"),
    ("network_ipv6", "fd00:1::/64", "fd00:1::1/64"),
    ("network_ipv6", "none", "none"),
    ("snap_channel", "latest/edge", "latest/edge"),
    ("snap_channel", "5.21/stable/hotfix", "5.21/stable/hotfix"),
    ("images_replicas", -1, -1),
    ("cluster_offline_threshold", 11, 11),
]


@pytest.mark.parametrize(("option", "value", "message"), REFUSED)
def test_a_bad_value_is_refused_with_what_is_allowed(option: str, value: Any, message: str):
    with pytest.raises(ValidationError) as refused:
        Options(**{option.replace("-", "_"): value})

    assert explain(refused.value) == message


_OF_A_POOL = ("source.wipe", "zfs.pool_name", "lvm.vg_name", "lvm.thinpool_name")
_OF_A_NETWORK = ("bridge.external_interfaces", "bgp.ipv4.nexthop", "bgp.ipv6.nexthop")


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        *(("storage_pools", "{{a: {{backend: zfs, config: {}}}}}", key) for key in _OF_A_POOL),
        *(("network_config", "{}", key) for key in (*_OF_A_NETWORK, "acceleration.parent")),
        *(("networks", "{{lan: {{mode: bridge, config: {}}}}}", key) for key in _OF_A_NETWORK),
    ],
)
def test_a_key_that_lxd_has_for_each_member_is_refused(option: str, value: str, key: str):
    with pytest.raises(ValidationError) as refused:
        Options.model_validate({option: value.format(f"{{{key}: x}}")})

    assert explain(refused.value).endswith(f": config cannot have {key}")


WITH_VLAN = sorted(name for name, mode in modes.MODES.items() if "vlan" in mode.words)
NAMES = [
    ("storage_backend", "zsf", f"use one of {', '.join(backends.ALLOWED)}"),
    ("storage_pools", "a: zsf", f"a: backend is one of {', '.join(sorted(backends.BACKENDS))}"),
    ("network_mode", "ovs", f"use {'|'.join(sorted(modes.MODES))}"),
    ("network_vlan", 7, f"bridge has no VLAN; use {', '.join(WITH_VLAN)}"),
]
"""Values that the tables do not have, or not for this option: the message lists the others."""


@pytest.mark.parametrize(("field", "value", "names"), NAMES)
def test_the_rows_that_are_allowed_are_named(field: str, value: Any, names: str):
    with pytest.raises(ValidationError) as refused:
        Options(**{field: value})

    (error,) = refused.value.errors()
    line = explain(refused.value)
    assert error["msg"] == f"Value error, {names}"
    assert names in line or len(line) == STATUS_LIMIT


TOGETHER = [
    {"network_mode": "vxlan", "network_name": "abcdefghijkl"},
    {"network_mode": "fan", "network_name": "abcdefghijkl"},
    {"network_mode": "vxlan", "network_name": "lan.a", "networks": "lan_a: vxlan"},
    {"networks": "{abcdefghi: {mode: bridge, config: {tunnel.longer.protocol: gre}}}"},
]


@pytest.mark.parametrize("options", TOGETHER)
def test_names_that_lxd_or_the_charm_cannot_use_are_refused(options: dict[str, str]):
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_names_that_are_alike_are_taken_where_no_table_is_called_after_them():
    assert Options(networks="{a-b: bridge, a_b: bridge}").more_networks


@pytest.mark.parametrize(("field", "value", "meant"), TAKEN)
def test_a_good_value_is_taken(field: str, value: Any, meant: Any):
    assert getattr(Options(**{field: value}), field) == meant


@given(st.sampled_from(sorted(Options.model_fields)), st.one_of(st.text(), st.integers()))
def test_whatever_is_typed_is_taken_or_refused_in_one_line(field: str, value: Any):
    try:
        Options(**{field: value})
    except ValidationError as error:
        line = explain(error)
        assert line.startswith(field.replace("_", "-") + "=")
        assert "\n" not in line
        assert len(line) <= STATUS_LIMIT
