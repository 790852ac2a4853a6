# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks: made in two phases, on parent interfaces, and their gateways."""

from __future__ import annotations

from tests.conformance.answers import Transcript
from tests.conformance.steps import SOON, form, join, token


def networks(transcript: Transcript) -> None:
    """Networks are made in two phases, with every member up."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    names: dict[str, dict[str, str]] = {side.hostname(m): {} for m in ("a", "b", "c")}
    two = {name: names[name] for name in list(names)[:2]}
    config = {"ipv4.address": "10.77.0.1/24", "ipv6.address": "none"}
    lxd = side.lxd("a")
    transcript.ask("a network", lambda: lxd.networks.create("br-one", "bridge", config, names))
    transcript.ask("the same again", lambda: lxd.networks.create("br-one", "bridge", config, names))
    transcript.ask("not on all", lambda: lxd.networks.create("br-two", "bridge", config, two))
    transcript.ask("networks", lambda: made(transcript))
    transcript.ask("half of it deleted", lambda: lxd.networks.delete("br-two"))
    side.kill_daemon("c")
    config = {"ipv4.address": "10.78.0.1/24", "ipv6.address": "none"}
    transcript.ask("with one down", lambda: lxd.networks.create("br-six", "bridge", config, names))
    transcript.ask("networks with one down", lambda: made(transcript))
    transcript.ask("a change", lambda: lxd.networks.update("br-one", {"ipv4.nat": "true"}, {}))
    transcript.ask("deleted with one down", lambda: lxd.networks.delete("br-six"))
    transcript.ask("networks after that", lambda: made(transcript))
    side.start_daemon("c")
    side.wait(SOON)
    transcript.ask("deleted", lambda: lxd.networks.delete("br-six"))
    transcript.ask("deleted twice", lambda: lxd.networks.delete("br-six"))
    transcript.ask("networks at last", lambda: made(transcript))


def made(transcript: Transcript) -> str:
    """The networks and their states."""
    listed = sorted(transcript.side.lxd("a").networks.list(), key=lambda n: n.name)
    return ", ".join(f"{n.name} {n.status.lower()}" for n in listed)


def interfaces(transcript: Transcript) -> None:
    """A network has a parent interface on each member, and can change to another on each."""
    side = transcript.side
    form(transcript, "a", "b")
    a, b = side.hostname("a"), side.hostname("b")
    lxd = side.lxd("a")
    on: dict[str, dict[str, str]] = {name: {"parent": "eth0"} for name in (a, b)}
    transcript.ask("a network", lambda: lxd.networks.create("lan", "macvlan", {}, on))
    transcript.ask("where it is", lambda: lxd.networks.parents("lan", [a, b]))
    transcript.ask("listed with it", lambda: ["parent" in n.config for n in lxd.networks.list()])
    other = {b: {"parent": "eth1"}}
    transcript.ask("another interface", lambda: lxd.networks.update("lan", {"mtu": "1400"}, other))
    transcript.ask("where it is then", lambda: lxd.networks.parents("lan", [a, b]))
    transcript.ask("as another sees it", lambda: side.lxd("b").networks.parents("lan", [a, b]))
    side.kill_daemon("b")
    transcript.ask("with one down", lambda: lxd.networks.update("lan", {}, {a: {"parent": "eth1"}}))
    side.start_daemon("b")
    side.wait(SOON)
    transcript.ask("where it is at last", lambda: lxd.networks.parents("lan", [a, b]))
    transcript.ask("one joins without", lambda: join(transcript, "c", token(transcript, "a", "c")))
    transcript.ask("where that is", lambda: lxd.networks.parents("lan", [side.hostname("c")]))


def roles(transcript: Transcript) -> None:
    """An operator may give a member a role, and remove it."""
    side = transcript.side
    form(transcript, "a", "b")
    b = side.hostname("b")
    lxd = side.lxd("a")

    def given() -> bool:
        return any("ovn-chassis" in m.roles for m in lxd.members.list() if m.name == b)

    transcript.ask("given", lambda: lxd.members.set_role("ovn-chassis", {b: True}))
    transcript.ask("it has it", given)
    transcript.ask("given again", lambda: lxd.members.set_role("ovn-chassis", {b: True}))
    transcript.ask("taken", lambda: lxd.members.set_role("ovn-chassis", {b: False}))
    transcript.ask("it has it no more", given)
