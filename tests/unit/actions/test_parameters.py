# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Parameters of an action, as Juju's client passes them on."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from actions import parameters
from actions.parameters import BadParameter
from pack import actions_yaml
from tests.unit.charm_config import CONFIG

READ: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # network-mode=ovn
    ({"network-mode": "ovn"}, {"network-mode": "ovn"}),
    # network-mode=flat network-vlan=7, network-nat=no, images-replicas=-1
    ({"network-mode": "flat", "network-vlan": 7}, {"network-mode": "flat", "network-vlan": 7}),
    ({"network-nat": False}, {"network-nat": False}),
    ({"images-replicas": -1}, {"images-replicas": -1}),
    # storage-pool=10
    ({"storage-pool": 10}, {"storage-pool": "10"}),
    # storage-size=
    ({"storage-size": None}, {"storage-size": ""}),
    # storage-devices="[/dev/sdb, /dev/sdc]"
    ({"storage-devices": ["/dev/sdb", "/dev/sdc"]}, {"storage-devices": "/dev/sdb /dev/sdc"}),
    # storage-pools.fast=zfs storage-pools.slow.backend=dir storage-pools.slow.size=10GiB
    (
        {"storage-pools": {"fast": "zfs", "slow": {"backend": "dir", "size": "10GiB"}}},
        {"storage-pools": '{"fast": "zfs", "slow": {"backend": "dir", "size": "10GiB"}}'},
    ),
    # storage-pools.fast.backend=zfs storage-pools.fast.config.volume.zfs.blocksize=16KiB
    (
        {
            "storage-pools": {
                "fast": {"backend": "zfs", "config": {"volume": {"zfs": {"blocksize": "16KiB"}}}}
            }
        },
        {
            "storage-pools": (
                '{"fast": {"backend": "zfs", "config": {"volume.zfs.blocksize": "16KiB"}}}'
            )
        },
    ),
    # storage-pools="'{fast: {backend: zfs, config: {zfs.clone_copy: false}}}'"
    (
        {"storage-pools": "{fast: {backend: zfs, config: {zfs.clone_copy: false}}}"},
        {"storage-pools": "{fast: {backend: zfs, config: {zfs.clone_copy: false}}}"},
    ),
    # network-config.ipv4.dhcp.expiry=4h network-config.dns.mode=managed
    (
        {"network-config": {"ipv4": {"dhcp": {"expiry": "4h"}}, "dns": {"mode": "managed"}}},
        {"network-config": '{"ipv4.dhcp.expiry": "4h", "dns.mode": "managed"}'},
    ),
    # networks.lan.mode=macvlan networks.lan.vlan=7 networks.lan.parent="eno* enp*"
    (
        {"networks": {"lan": {"mode": "macvlan", "vlan": 7, "parent": "eno* enp*"}}},
        {"networks": '{"lan": {"mode": "macvlan", "vlan": 7, "parent": "eno* enp*"}}'},
    ),
]


@pytest.mark.parametrize(("params", "options"), READ)
def test_an_option_means_what_it_means_in_juju_config(
    params: dict[str, Any], options: dict[str, Any]
):
    assert parameters.changed(CONFIG, params) == options
    same = parameters.with_options(CONFIG | options, {})
    assert parameters.with_options(CONFIG, params) == same


MISREAD: list[tuple[dict[str, Any], str]] = [
    # network-domain=on, network-domain=1.10: the typed text is lost.
    ({"network-domain": True}, "network-domain was read as true, not as text: put it in quotes"),
    ({"network-domain": 1.1}, "network-domain was read as 1.1, not as text: put it in quotes"),
    ({"network-mode": {"ovn": "x"}}, "type network-mode=..., not network-mode.ovn=..."),
    ({"network-vlan": {"a": 1}}, "type network-vlan=..., not network-vlan.a=..."),
    ({"network-vlan": True}, "network-vlan=true: use a whole number"),
    ({"storage": "zfs"}, "storage: there is no such option"),
]


@pytest.mark.parametrize(("params", "why"), MISREAD)
def test_what_cannot_be_meant_is_refused_with_what_to_type(params: dict[str, Any], why: str):
    with pytest.raises(BadParameter, match=why):
        parameters.with_options(CONFIG, params)


@pytest.mark.parametrize("value", [None, "many", 7.5, [1]])
def test_a_number_that_is_none_is_refused_as_by_juju_config(value: object):
    with pytest.raises((ValidationError, BadParameter)):
        parameters.with_options(CONFIG, {"network-vlan": value})


def test_each_option_that_is_a_map_may_have_dotted_keys():
    options = yaml.safe_load(actions_yaml.OPTIONS.read_text())["options"]
    maps = [name for name, option in options.items() if "a YAML map" in option["description"]]

    assert sorted(parameters.MAPS) == sorted(maps)


WORDS: list[tuple[object, str]] = [
    (None, ""),
    ("wipe-0123", "wipe-0123"),
    (83, "83"),
    (["lxd/1", "lxd/2"], "lxd/1 lxd/2"),
]


@pytest.mark.parametrize(("value", "text"), WORDS)
def test_a_word_may_arrive_as_a_number_or_a_list(value: object, text: str):
    assert parameters.word({"name": value}, "name") == text
