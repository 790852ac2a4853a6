# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The parts of the lab's machines that can be tested without a machine."""

from __future__ import annotations

import ipaddress
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from lab.machines import built, claims, host, network, processes, rootfs
from lab.machines.programs import CommandError, MachineError, run

NUMBERS = range(network.MAX_NUMBER)


def test_machine_zero_has_the_first_address_of_each_network():
    assert [nic.addresses for nic in network.interfaces(0)] == [
        ("10.99.0.1/24", "fd99::1/64"),
        ("10.99.1.1/24", "fd99:1::1/64"),
    ]


def test_no_two_nics_share_an_address_or_a_mac():
    nics = [nic for number in NUMBERS for nic in network.interfaces(number)]
    addresses = {address for nic in nics for address in nic.addresses}
    assert (len(addresses), len({nic.mac for nic in nics})) == (2 * len(nics), len(nics))


def test_no_machine_has_an_address_of_the_hosts():
    bridges = {address for net in network.NETWORKS for address in net.addresses(254)}
    assert not any(
        bridges & set(nic.addresses) for number in NUMBERS for nic in network.interfaces(number)
    )


def test_hosts_file_names_every_machine():
    lines = [line.split() for line in network.hosts_file().splitlines()]
    named = {name: ipaddress.ip_address(address) for address, name, *_ in lines}
    assert {network.hostname(number) for number in NUMBERS} <= set(named)


@pytest.mark.parametrize(
    ("targets", "suites"),
    [
        ("Debian|bookworm|main|uri:/d", ["uri:/d bookworm main"]),
        ("Debian|bookworm-security|main|uri:/s", ["uri:/s bookworm-security main"]),
        ("Debian|trixie|main|uri:/d", ["uri:/d bookworm main"]),
        ("Debian|trixie-updates|main|uri:/d", ["uri:/d bookworm-updates main"]),
        ("Debian|bookworm-backports|main|uri:/d", []),
        ("Debian|bookworm|contrib|uri:/d", []),
        ("Ubuntu|noble|main|uri:/u", []),
        ("|nodistro|main|uri:/n", []),
        ("Debian|bookworm|main|uri:/d\n" * 2, ["uri:/d bookworm main"]),
        ("", []),
    ],
)
def test_the_machines_sources_come_from_the_hosts(targets: str, suites: list[str]):
    lines = rootfs.bookworm_lines(targets)
    assert [line.partition("] ")[2] for line in lines] == suites


def test_a_digest_changes_with_a_file_and_with_a_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(built, "SOURCE", tmp_path)
    file = tmp_path / "file"
    seen: list[str] = []
    for content, mode, words in [
        ("a", 0o644, []),
        ("b", 0o644, []),
        ("b", 0o755, []),
        ("b", 0o755, ["c"]),
    ]:
        file.write_text(content)
        file.chmod(mode)
        seen.append(built.digest([file], words))
    assert len(set(seen)) == 4


def test_a_build_that_fails_leaves_nothing_that_counts(tmp_path: Path):
    with suppress(MachineError), built.whole(tmp_path / "image"):
        raise MachineError("no")
    assert not (tmp_path / "image").exists()


def test_a_build_after_one_that_failed_starts_from_nothing(tmp_path: Path):
    (tmp_path / "image.new/part").mkdir(parents=True)
    with built.whole(tmp_path / "image") as new:
        (new / "whole").touch()
    assert [path.name for path in (tmp_path / "image").iterdir()] == ["whole"]


@pytest.fixture
def claims_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(claims, "CLAIMS", tmp_path / "claims")
    return tmp_path


def test_a_number_is_claimed_once_and_again_by_the_same_machine(claims_folder: Path):
    claims.take(3, claims_folder / "home/machines/3")
    claims.take(3, claims_folder / "home/machines/3")
    assert claims.held_under(claims_folder / "home") == [3]


def test_a_claimed_number_is_refused_to_others_with_the_way_out(claims_folder: Path):
    claims.take(3, claims_folder / "one/machines/3")
    with pytest.raises(MachineError, match=f"clean --home {claims_folder}/one$"):
        claims.take(3, claims_folder / "two/machines/3")


def test_only_its_holder_releases_a_number(claims_folder: Path):
    claims.take(3, claims_folder / "one/machines/3")
    claims.release(3, claims_folder / "two/machines/3")
    assert claims.holder(3) == claims_folder / "one/machines/3"


def test_models_have_ranges_of_their_own_as_long_as_they_are_there(claims_folder: Path):
    models = [claims_folder / name for name in ("one", "two", "three")]
    for model in models:
        model.mkdir()
    assert [claims.take_range(2, model) for model in models[:2]] == [0, 1]
    with pytest.raises(MachineError, match="room for 2 models"):
        claims.take_range(2, models[2])
    models[0].rmdir()
    assert claims.take_range(2, models[2]) == 0


def test_a_model_that_is_made_again_has_one_range(claims_folder: Path):
    again = claims_folder / "again"
    again.mkdir()
    assert [claims.take_range(2, again) for _ in range(2)] == [0, 0]
    assert claims.take_range(2, claims_folder) == 1


def test_a_zombie_counts_as_gone():
    with subprocess.Popen(["true"]) as process:
        found = processes.find(process.pid)
        assert not processes.wait_gone([found] if found else [], 5)


def test_a_pid_file_with_another_start_time_speaks_of_nobody(tmp_path: Path):
    me = processes.find(os.getpid())
    assert me is not None
    (tmp_path / "same").write_text(f"{me.pid} {me.start}\n")
    (tmp_path / "other").write_text(f"{me.pid} {me.start + 1}\n")
    files = [tmp_path / "same", tmp_path / "other", tmp_path / "none"]
    assert [processes.read_pid_file(file) for file in files] == [me, None, None]


def test_another_process_with_the_same_pid_is_not_killed():
    with subprocess.Popen(["sleep", "30"]) as process:
        found = processes.find(process.pid)
        assert found is not None
        processes.kill([processes.Process(found.pid, found.start - 1)])
        assert process.poll() is None
        process.kill()


def test_killed_processes_are_gone():
    with subprocess.Popen(["sleep", "30"]) as process:
        found = processes.find(process.pid)
        assert processes.kill([found] if found else []) == []


def test_a_failing_command_says_why():
    with pytest.raises(CommandError, match="No such file"):
        run("ls", "/nowhere")


def test_a_command_past_its_deadline_fails():
    with pytest.raises(CommandError, match="not done after"):
        run("sleep", "30", timeout=0.1)


def test_names_the_packages_of_absent_programs(monkeypatch: pytest.MonkeyPatch):
    def find(name: str) -> str | None:
        return None if name == "mksquashfs" else name

    monkeypatch.setattr(host, "find", find)
    assert "squashfs-tools" in host.missing_packages()
