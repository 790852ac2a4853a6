# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks: made in two phases, on parent interfaces, and their gateways."""

from __future__ import annotations

from tests.conformance.answers import Transcript
from tests.conformance.deeds import SOON, form, join, token


def networks(told: Transcript) -> None:
    """Networks are made in two phases, with every member up."""
    side = told.side
    form(told, "a", "b", "c")
    names: dict[str, dict[str, str]] = {side.hostname(m): {} for m in ("a", "b", "c")}
    two = {name: names[name] for name in list(names)[:2]}
    config = {"ipv4.address": "10.77.0.1/24", "ipv6.address": "none"}
    lxd = side.lxd("a")
    told.ask("a network", lambda: lxd.networks.create("br-one", "bridge", config, names))
    told.ask("the same again", lambda: lxd.networks.create("br-one", "bridge", config, names))
    told.ask("not on all", lambda: lxd.networks.create("br-two", "bridge", config, two))
    told.ask("networks", lambda: made(told))
    told.ask("half of it deleted", lambda: lxd.networks.delete("br-two"))
    side.kill_daemon("c")
    config = {"ipv4.address": "10.78.0.1/24", "ipv6.address": "none"}
    told.ask("with one down", lambda: lxd.networks.create("br-six", "bridge", config, names))
    told.ask("networks with one down", lambda: made(told))
    told.ask("a change", lambda: lxd.networks.update("br-one", {"ipv4.nat": "true"}, {}))
    told.ask("deleted with one down", lambda: lxd.networks.delete("br-six"))
    told.ask("networks after that", lambda: made(told))
    side.start_daemon("c")
    side.wait(SOON)
    told.ask("deleted", lambda: lxd.networks.delete("br-six"))
    told.ask("deleted twice", lambda: lxd.networks.delete("br-six"))
    told.ask("networks at last", lambda: made(told))


def made(told: Transcript) -> str:
    """The networks and their states."""
    listed = sorted(told.side.lxd("a").networks.list(), key=lambda n: n.name)
    return ", ".join(f"{n.name} {n.status.lower()}" for n in listed)


def interfaces(told: Transcript) -> None:
    """A network has a parent interface on each member, and can change to another on each."""
    side = told.side
    form(told, "a", "b")
    a, b = side.hostname("a"), side.hostname("b")
    lxd = side.lxd("a")
    on: dict[str, dict[str, str]] = {name: {"parent": "eth0"} for name in (a, b)}
    told.ask("a network", lambda: lxd.networks.create("lan", "macvlan", {}, on))
    told.ask("where it is", lambda: lxd.networks.parents("lan", [a, b]))
    told.ask("listed with it", lambda: ["parent" in n.config for n in lxd.networks.list()])
    other = {b: {"parent": "eth1"}}
    told.ask("another interface", lambda: lxd.networks.update("lan", {"mtu": "1400"}, other))
    told.ask("where it is then", lambda: lxd.networks.parents("lan", [a, b]))
    told.ask("as another sees it", lambda: side.lxd("b").networks.parents("lan", [a, b]))
    side.kill_daemon("b")
    told.ask("with one down", lambda: lxd.networks.update("lan", {}, {a: {"parent": "eth1"}}))
    side.start_daemon("b")
    side.wait(SOON)
    told.ask("where it is at last", lambda: lxd.networks.parents("lan", [a, b]))
    told.ask("one joins without", lambda: join(told, "c", token(told, "a", "c")))
    told.ask("where that is", lambda: lxd.networks.parents("lan", [side.hostname("c")]))


def roles(told: Transcript) -> None:
    """An operator may give a member a role, and remove it."""
    side = told.side
    form(told, "a", "b")
    b = side.hostname("b")
    lxd = side.lxd("a")

    def given() -> bool:
        return any("ovn-chassis" in m.roles for m in lxd.members.list() if m.name == b)

    told.ask("given", lambda: lxd.members.set_role("ovn-chassis", {b: True}))
    told.ask("it has it", given)
    told.ask("given again", lambda: lxd.members.set_role("ovn-chassis", {b: True}))
    told.ask("taken", lambda: lxd.members.set_role("ovn-chassis", {b: False}))
    told.ask("it has it no more", given)
