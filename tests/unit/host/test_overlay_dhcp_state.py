# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A segment runs if its files, services and rules exist, whatever the note says."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from host import machine as charm_machine
from host import overlay_dhcp, overlay_dhcp_state
from host.machine import Machine
from plan.networks import overlay_dhcp as plan_overlay_dhcp
from state.facts import OverlayDhcp
from tests.unit.programs import Programs

OVERLAY = OverlayDhcp(
    "seg-0", "10.9.0.1/16", "10.9.1.0", "10.9.1.255", "02:16:3e:0:0:1", "239.1.1.1"
)
SHOWN = "ActiveState=active\nUnitFileState=enabled\n"
TABLE = "\n".join(['oifname "seg-0-lxd" drop'] * 2)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A machine whose systemd and packet filter give the wanted output."""
    (tmp_path / "bin").mkdir()
    programs = Programs(tmp_path / "bin")

    def runs(*_: str) -> None:
        """The calls of systemd that change something."""

    monkeypatch.setattr(charm_machine, "_UNITS", tmp_path)
    monkeypatch.setattr(charm_machine, "run", runs)
    monkeypatch.setattr(overlay_dhcp, "UNITS", tmp_path)
    monkeypatch.setattr(overlay_dhcp, "FOLDER", tmp_path / "segments")
    monkeypatch.setattr(overlay_dhcp_state, "_SYSTEMCTL", str(programs.folder / "systemctl"))
    monkeypatch.setattr(overlay_dhcp_state, "_NFT", str(programs.folder / "nft"))
    programs.add("systemctl", f"printf '{SHOWN}'")
    programs.add("nft", f"printf '{TABLE}'")
    return programs


def set_up(folder: Path) -> Machine:
    machine = Machine(folder)
    files = overlay_dhcp.files(OVERLAY)
    machine.run_overlay("seg-0", files, [], plan_overlay_dhcp.record(OVERLAY))
    return machine


def test_what_was_set_up_is_there(programs: Programs, tmp_path: Path):
    machine = set_up(tmp_path)

    assert machine.overlays() == {"seg-0": plan_overlay_dhcp.record(OVERLAY)}
    assert "nft list table bridge lxd_cluster_seg_0" in programs.called


LOSSES = [
    ("nft", "exit 1"),
    ("nft", "printf 'table bridge lxd_cluster_seg_0 {\n}'"),
    ("systemctl", "printf 'ActiveState=failed\nUnitFileState=enabled\n'"),
    ("systemctl", "printf 'ActiveState=active\nUnitFileState=disabled\n'"),
    ("systemctl", "exit 1"),
]


def test_a_refresh_of_the_charm_starts_no_overlay_again():
    """What an earlier charm noted is compared with it, word by word."""
    assert plan_overlay_dhcp.record(OVERLAY) == (
        "4 Segment(network='seg-0', gateway='10.9.0.1/16', first='10.9.1.0', last='10.9.1.255', "
        "mac='02:16:3e:0:0:1', group='239.1.1.1', mtu='1400', peers=())"
    )


@pytest.mark.parametrize(("program", "says"), LOSSES)
def test_what_does_not_run_is_not_an_overlay(
    programs: Programs, tmp_path: Path, program: str, says: str
):
    machine = set_up(tmp_path)
    programs.add(program, says)

    assert machine.overlays() == {"seg-0": ""}


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("file", ["segments/seg-0/dhcp.conf", "segments/seg-0/filter.nft"])
@pytest.mark.parametrize("changed", [True, False])
def test_a_file_that_is_another_or_gone_is_not_an_overlay(tmp_path: Path, file: str, changed: bool):
    machine = set_up(tmp_path)
    if changed:
        (tmp_path / file).write_text("")
    else:
        (tmp_path / file).unlink()

    assert machine.overlays() == {"seg-0": ""}


def test_the_template_and_the_look_at_it_have_one_name_for_the_table():
    rendered = next(t for p, t in overlay_dhcp.files(OVERLAY).items() if p.name == "filter.nft")

    assert f"table bridge {overlay_dhcp_state.table('seg-0')} {{" in rendered
    assert rendered.count(" drop") == 2


def test_the_leases_of_an_overlay_that_ends_stay(programs: Programs, tmp_path: Path):
    machine = set_up(tmp_path)
    leases = tmp_path / "segments" / "seg-0" / "leases"
    leases.write_text("an instance's")

    machine.end_overlay("seg-0")

    assert "nft delete table bridge lxd_cluster_seg_0" in programs.called
    left = {path for path in (tmp_path / "segments").rglob("*") if path.is_file()}
    assert left == {leases}
    assert machine.overlays() == {}


@pytest.mark.usefixtures("programs")
def test_a_file_that_an_overlay_needs_no_more_goes(tmp_path: Path):
    unicast = replace(OVERLAY, peers=("10.0.0.2",))
    machine = Machine(tmp_path)
    machine.run_overlay("seg-0", overlay_dhcp.files(unicast), [], plan_overlay_dhcp.record(unicast))

    machine.run_overlay("seg-0", overlay_dhcp.files(OVERLAY), [], plan_overlay_dhcp.record(OVERLAY))

    assert not (tmp_path / "segments" / "seg-0" / "peers").exists()
    assert machine.overlays() == {"seg-0": plan_overlay_dhcp.record(OVERLAY)}


@pytest.mark.usefixtures("programs")
def test_one_that_never_ran_is_found_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its first service cannot start now, and would start with the machine."""

    def fails(*command: str) -> None:
        if "enable" in command:
            raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(charm_machine, "run", fails)
    machine = Machine(tmp_path)
    files = overlay_dhcp.files(OVERLAY)
    service = tmp_path / "lxd-cluster-dhcp-seg-0.service"
    with pytest.raises(subprocess.CalledProcessError):
        machine.run_overlay("seg-0", files, [service.name], plan_overlay_dhcp.record(OVERLAY))
    assert service.exists()
    assert machine.overlays() == {"seg-0": ""}

    machine.end_overlay("seg-0")
    assert not service.exists()
    assert machine.overlays() == {}


@pytest.mark.usefixtures("programs")
def test_one_whose_hook_was_killed_while_it_wrote_the_files_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    machine = Machine(tmp_path)

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(machine, "write_privately", killed)
    with pytest.raises(KeyboardInterrupt):
        machine.run_overlay("seg-0", overlay_dhcp.files(OVERLAY), [], "record")

    assert machine.overlays() == {"seg-0": ""}
