# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Commands of operators, wise or not."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lab.model.errors import JujuError
from lab.model.state import Unit
from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from tests.lxd_model import by_hand, pools
from tests.lxd_model.api import used_by
from tests.lxd_model.records import Records
from tests.lxd_model.refusal import Refusal
from tests.lxd_model.server import Server
from tests.lxd_model.things import Thing
from tests.simulation.engine import APP
from tests.simulation.exchanges import Exchanges
from tests.simulation.hands import Hands
from tests.simulation.schedule import Happening
from tests.simulation.site import Site, evacuate, truth_of

MOST_UNITS = 7

_GOOD = {
    "offline-threshold=30": {"cluster-offline-threshold": 30},
    "replicas=2": {"images-replicas": 2},
    "nat=false": {"network-nat": False},
    "mode=none": {"network-mode": "none"},
    "mode=bridge": {"network-mode": "bridge"},
    "backend=auto": {"storage-backend": "auto"},
    "backend=btrfs": {"storage-backend": "btrfs"},
    "backend=dir": {"storage-backend": "dir"},
    "pool=other": {"storage-pool": "other"},
    "pool=local": {"storage-pool": "local"},
    "fast": {"storage-pools": "fast: dir"},
    "quick": {"storage-pools": "{quick: {backend: btrfs, devices: /dev/vd*}}"},
    "devices": {"storage-devices": "/dev/vd*"},
    "macvlan": {"network-mode": "macvlan", "network-parent": "eth1 ens*"},
    "lan": {"networks": "{lan: {mode: macvlan, parent: [eth1, ens3], vlan: 7}}"},
    "parent=eth0": {"network-parent": "eth0"},
    "name=br7": {"network-name": "br7"},
    "name=lxdbr0": {"network-name": "lxdbr0"},
    "subnet": {"network-ipv4": "10.77.0.1/24", "network-disruptive": True},
    "images": {"storage-images-volume": "fast"},
    "no images": {"storage-images-volume": ""},
}
_BAD = {
    "storage-backend=zsf": {"storage-backend": "zsf"},
    "threshold=3": {"cluster-offline-threshold": 3},
    "ipv4=banana": {"network-ipv4": "banana"},
    "storage-size=1": {"storage-size": "1"},
    "pools=[": {"storage-pools": "["},
    "parent=none": {"network-mode": "macvlan", "network-parent": "none"},
    "networks=[": {"networks": "["},
    "device=none": {"storage-devices": "/dev/none"},
}


class Commands:
    """A method for each kind of command. It returns what it did, None for nothing."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.hands = Hands(site)
        self.exchanges = Exchanges(site)

    def add_unit(self, happening: Happening) -> str | None:
        del happening
        if len(self.site.engine.units) >= MOST_UNITS:
            return None
        (name,) = self.site.engine.juju.add_units(self.site.engine.now, APP)
        return name

    def remove_unit(self, happening: Happening) -> str | None:
        unit = self.site.unit(happening, alive=True)
        if unit is None or not self._others(unit):
            return None
        self.site.engine.juju.remove_unit(self.site.engine.now, unit.name)
        return unit.name

    def _others(self, unit: Unit) -> list[Unit]:
        return [u for u in self.site.engine.units.values() if u is not unit and u.life == "alive"]

    def force_remove(self, happening: Happening) -> str | None:
        unit = self.site.unit(happening)
        server = self.site.server(happening)
        if (
            unit is None
            or server is None
            or not self._others(unit)
            or not self.site.can_lose(server)
        ):
            return None
        if happening.unit % 2 and self.site.is_up(server):
            self.site.off(server)
        if happening.unit % 4 < 2:
            self.site.force_remove(unit.name)
            return unit.name
        self.site.force_remove_machine(unit)
        return f"{unit.name} with its machine"

    def config(self, happening: Happening) -> str | None:
        self.site.engine.juju.set_config(APP, _GOOD[happening.word])
        return happening.word

    def bad_config(self, happening: Happening) -> str | None:
        values = _BAD[happening.word]
        self.site.engine.juju.set_config(APP, values)
        self.site.engine.later(happening.seconds, self._reset, list(values))
        return f"{happening.word} for {happening.seconds:.0f} s"

    def _reset(self, options: list[str]) -> None:
        if APP in self.site.engine.juju.state.applications:
            self.site.engine.juju.reset_config(APP, options)

    def on_remove(self, happening: Happening) -> str | None:
        self.site.engine.juju.set_config(APP, {"on-remove": happening.word})
        return happening.word

    def resolved(self, happening: Happening) -> str | None:
        failed = [u for u in self.site.engine.units.values() if u.failure and not u.running]
        if not failed:
            return None
        unit = failed[happening.unit % len(failed)]
        self.site.engine.juju.resolved(self.site.engine.now, unit.name)
        return unit.name

    def action(self, happening: Happening) -> str | None:
        unit = self.site.unit(happening)
        if unit is None:
            return None
        try:
            self.site.engine.juju.run_action(self.site.engine.now, unit.name, happening.word)
        except JujuError:
            return None
        return f"{happening.word} on {unit.name}"

    def launch(self, happening: Happening) -> str | None:
        server = self.site.member(happening)
        if server is None:
            return None
        name = f"c{len(self.site.ledger.made)}"
        instance = by_hand.launch(server, name, happening.word)
        self.site.ledger.made[str(instance)] = server.machine
        return f"{instance} on machine {server.machine}, cluster.evacuate={happening.word}"

    def volume(self, happening: Happening) -> str | None:
        server = self.site.member(happening)
        if server is None:
            return None
        # Its name begins like those of the charm's volumes.
        name = f"lxd-cluster-v{len(self.site.ledger.made)}"
        volume = by_hand.add_volume(server, "local", name)
        self.site.ledger.made[str(volume)] = server.machine
        return f"{volume} on machine {server.machine}"

    def delete_instance(self, happening: Happening) -> str | None:
        server = self.site.member(happening)
        if server is None or not server.records.instances:
            return None
        instances = list(server.records.instances.values())
        thing = instances[happening.n % len(instances)]
        self.delete(thing)
        return str(thing)

    def delete(self, thing: Thing) -> None:
        """`lxc delete`, or the same for the other objects."""
        self.site.ledger.deleted.add(str(thing))
        for server in self.site.engine.cloud.servers.values():
            server.disk.pop(str(thing), None)
            for table in _tables(server.records):
                for key in [k for k, v in table.items() if str(v) == str(thing)]:
                    del table[key]

    def delete_pool(self, happening: Happening) -> str | None:
        """`lxc storage delete` of an unused pool."""
        server = self.site.member(happening)
        if server is None:
            return None
        records = server.records
        known = records.pools.values()
        unused = sorted(p.name for p in known if not used_by.of_pool(records, p))
        if not unused:
            return None
        name = unused[happening.n % len(unused)]
        with suppress(Refusal):
            pools.delete(server, name)
        return name

    def evacuate(self, happening: Happening) -> str | None:
        server = self.site.member(happening)
        if server is None:
            return None
        self.site.stops(server)
        self.site.engine.spawn("", "", lambda: _evacuate(server))
        return server.name

    def remove_dead_member(self, happening: Happening) -> str | None:
        server = self.site.member(happening)
        if server is None:
            return None
        truth = truth_of(server)
        wanted = {u.machine for u in self.site.engine.units.values()}
        members = truth.members if truth else ()
        dead = [m for m in members if m.status == "OFFLINE" and m.server not in wanted]
        if not dead:
            return None
        name = dead[happening.n % len(dead)].name
        self.remove_member(server, name)
        return name

    def remove_member(self, server: Server, name: str) -> None:
        """`lxc cluster remove --force`."""
        self.site.ledger.removed.add(name)
        for thing in held_on(server.records, name):
            self.site.ledger.deleted.add(str(thing))
        self.force_out(server, name)

    def force_out(self, server: Server, name: str) -> None:
        """The command itself."""
        self.site.engine.spawn("", "", lambda: _remove(server, name))


def held_on(records: Records, member: str) -> list[Thing]:
    """What is removed with a member."""
    return [
        *records.on(member),
        *records.volumes_on(member),
        *records.buckets_on(member),
        *records.images_only_on(member),
    ]


def _tables(records: Records) -> list[dict[Any, Any]]:
    return [records.instances, records.volumes, records.buckets, records.images]


def _evacuate(server: Server) -> None:
    with suppress(LxdError, LxdUnreachable):
        evacuate(server, server.name)


def _remove(server: Server, name: str) -> None:
    with suppress(LxdError, LxdUnreachable):
        LxdApi(server.lxd).members.remove(name)
