# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The command line and the controller, driven by jubilant; machines are folders."""

from __future__ import annotations

import json
from pathlib import Path

import jubilant
import pytest

from lab.controller.controller import Controller
from lab.testing.waiting import eventually
from plain_hosts import PlainProvider
from probes import command, hooks, serving, wait_active, wait_in_config_changed


def test_three_units_become_active(juju: jubilant.Juju, probe: Path, provider: PlainProvider):
    juju.deploy(probe, num_units=3, config={"message": "here"})
    status = wait_active(juju, 3)
    units = status.apps["probe"].units
    assert [unit.workload_status.message for unit in units.values()] == ["here"] * 3
    assert sum(unit.leader for unit in units.values()) == 1
    assert status.apps["probe"].version == "1.0"
    assert units["probe/1"].open_ports == ["8443/tcp"]
    assert hooks(provider, 1)[:2] == ["install", "cluster-relation-created"]


def test_a_constraint_chooses_the_kind_of_an_applications_machines(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe, constraints={"virt-type": "virtual-machine"})
    juju.deploy(probe, "plain")
    juju.add_unit("probe")
    wait_active(juju, 2)
    juju.cli("add-machine", "--constraints", "virt-type=virtual-machine")
    eventually(lambda: set(juju.status().machines) == set("0123"))
    shown = {number: one.constraints for number, one in juju.status().machines.items()}
    virtual = "virt-type=virtual-machine"
    assert shown == {"0": virtual, "1": "", "2": virtual, "3": virtual}
    eventually(lambda: len(provider.kinds) == 4)
    assert provider.kinds[1] == "container"
    assert {provider.kinds[number] for number in (0, 2, 3)} == {"virtual-machine"}


def test_a_constraint_that_juju_does_not_know_is_refused(juju: jubilant.Juju, probe: Path):
    with pytest.raises(jubilant.CLIError):
        juju.deploy(probe, constraints={"virt-type": "toaster"})
    assert not juju.status().apps


@pytest.mark.parametrize("rules", ["3.6"])
def test_units_come_and_go(juju: jubilant.Juju, probe: Path, provider: PlainProvider):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    juju.add_unit("probe")
    wait_active(juju, 3)
    assert "cluster-relation-joined probe/2" in hooks(provider, 0)
    juju.remove_unit("probe/0")
    status = wait_active(juju, 2)
    assert set(status.machines) == {"1", "2"}
    eventually(lambda: "cluster-relation-departed probe/0" in hooks(provider, 1))


def test_config_reaches_the_units(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    juju.config("probe", {"message": "changed", "number": 5})
    juju.wait(
        lambda status: status.apps["probe"].units["probe/0"].workload_status.message == "changed",
        delay=0.1,
    )
    assert juju.config("probe") == {
        "message": "changed",
        "number": 5,
        "fail-in": "",
        "wait-in": "",
        "reboot-in": "",
    }
    juju.config("probe", reset="number")
    assert juju.config("probe")["number"] == 1


def test_bad_config_is_refused(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    with pytest.raises(jubilant.CLIError, match="number"):
        juju.config("probe", {"number": "many"})
    with pytest.raises(jubilant.CLIError, match="nosuch"):
        juju.config("probe", {"nosuch": "1"})


def test_an_action_gives_results(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    task = juju.run("probe/leader", "echo", {"text": "hi there"})
    assert task.results == {"text": "hi there", "nested": {"depth": "1"}}
    assert task.log[0].endswith("echoing")
    assert juju.run("probe/0", "look").results["zone"] == "zone-1"


@pytest.mark.parametrize(
    ("action", "message", "code"), [("refuse", "asked to", 0), ("break", "", 3)]
)
def test_a_failed_action_says_why(
    juju: jubilant.Juju, probe: Path, action: str, message: str, code: int
):
    juju.deploy(probe)
    wait_active(juju, 1)
    with pytest.raises(jubilant.TaskError) as caught:
        juju.run("probe/0", action)
    assert message in caught.value.task.message
    assert caught.value.task.return_code == code
    assert juju.status().apps["probe"].units["probe/0"].is_active


@pytest.mark.parametrize(("unit", "action"), [("probe/0", "nosuch"), ("probe/7", "echo")])
def test_an_unknown_action_or_unit_is_refused(
    juju: jubilant.Juju, probe: Path, unit: str, action: str
):
    juju.deploy(probe)
    wait_active(juju, 1)
    with pytest.raises(ValueError, match="error running action"):
        juju.run(unit, action)


def test_commands_run_in_a_unit_and_on_a_machine(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe)
    wait_active(juju, 1)
    assert juju.exec("config-get message; echo $JUJU_UNIT_NAME", unit="probe/0").stdout == (
        "ready\nprobe/0\n"
    )
    assert juju.exec("echo", "there", machine=0).stdout == "there\n"
    assert provider.host(0).of_users == ["echo there"]
    with pytest.raises(jubilant.TaskError) as caught:
        juju.exec("echo bad >&2; exit 4", unit="probe/0")
    assert caught.value.task.return_code == 4
    assert caught.value.task.stderr == "bad\n"
    assert juju.ssh("probe/0", "echo", "over", "ssh") == "over ssh\n"


def test_a_resource_is_fetched_and_replaced(juju: jubilant.Juju, probe: Path, tmp_path: Path):
    blob = tmp_path / "blob"
    blob.write_text("one")
    juju.deploy(probe, resources={"blob": str(blob)})
    wait_active(juju, 1)
    results = juju.run("probe/0", "resource").results
    assert results["content"] == "one"
    assert results["path"].endswith("unit-probe-0/resources/blob/blob.txt")
    blob.write_text("two")
    juju.cli("attach-resource", "probe", f"blob={blob}")
    eventually(lambda: juju.run("probe/0", "resource").results["content"] == "two")


def test_a_failing_hook_puts_the_unit_in_error_and_writes_nothing(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    juju.config("probe", {"fail-in": "config-changed"})
    status = juju.wait(jubilant.all_error, delay=0.1)
    message = status.apps["probe"].units["probe/0"].workload_status.message
    assert message == 'hook failed: "config-changed"'
    seen = juju.show_unit("probe/1").relation_info[0].related_units["probe/0"].data
    assert seen["last"] != "config-changed"
    juju.config("probe", reset="fail-in")
    juju.cli("resolved", "probe/0", "probe/1")
    wait_active(juju, 2)


def test_a_killed_hook_runs_again(juju: jubilant.Juju, probe: Path, provider: PlainProvider):
    juju.deploy(probe)
    wait_active(juju, 1)
    wait_in_config_changed(juju, provider, 0)
    before = len(hooks(provider, 0))
    assert juju.cli("lab", "kill-hook", "probe/0", include_model=False) == "config-changed\n"
    wait_active(juju, 1)
    assert hooks(provider, 0)[before] == "config-changed"


def test_a_controller_that_dies_in_a_hook_loses_nothing(
    juju: jubilant.Juju,
    probe: Path,
    controller: Controller,
    provider: PlainProvider,
    tmp_path: Path,
):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    wait_in_config_changed(juju, provider, 0, 1)
    controller.stopped.set()
    assert controller.ended.wait(60)
    with serving(Controller(tmp_path, provider)):
        wait_active(juju, 2)
        assert hooks(provider, 0).count("install") == 1
        assert hooks(provider, 0).count("start") == 1


def test_a_reboot_in_a_hook_runs_it_again_and_then_start(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe)
    wait_active(juju, 1)
    wait_in_config_changed(juju, provider, 0)
    before = len(hooks(provider, 0))
    juju.cli("lab", "reboot", "0", include_model=False)
    wait_active(juju, 1)
    eventually(lambda: "start" in hooks(provider, 0)[before:])
    assert "config-changed" in hooks(provider, 0)[before:]
    assert juju.status().apps["probe"].units["probe/0"].is_active


@pytest.mark.parametrize(
    ("how", "ran"),
    [
        ("config-changed", ["config-changed", "start"]),
        ("config-changed --now", ["config-changed", "config-changed", "start"]),
    ],
)
def test_a_charm_reboots_its_machine(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider, how: str, ran: list[str]
):
    juju.deploy(probe)
    wait_active(juju, 1)
    before = len(hooks(provider, 0))
    juju.config("probe", {"reboot-in": how})
    eventually(lambda: len(hooks(provider, 0)) == before + len(ran))
    assert hooks(provider, 0)[before:] == ran
    assert provider.host(0).boots == 2


def test_a_power_cut_shows_and_heals(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    juju.cli("lab", "power-cut", "0", include_model=False)
    juju.wait(lambda status: status.machines["0"].juju_status.current == "down", delay=0.1)
    juju.cli("lab", "power-on", "0", include_model=False)
    juju.wait(lambda status: status.machines["0"].juju_status.current == "started", delay=0.1)
    wait_active(juju, 2)


def test_a_unit_is_held_before_a_hook(juju: jubilant.Juju, probe: Path, provider: PlainProvider):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    juju.cli("lab", "hold", "probe/1", "cluster-relation-*", include_model=False)
    juju.add_unit("probe")
    assert juju.cli("lab", "wait-held", "probe/1", include_model=False).startswith("cluster-")
    assert "cluster-relation-joined probe/2" not in hooks(provider, 1)
    juju.cli("lab", "release", "probe/1", include_model=False)
    eventually(lambda: "cluster-relation-joined probe/2" in hooks(provider, 1))


def test_leadership_moves_on_request(juju: jubilant.Juju, probe: Path, provider: PlainProvider):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    leader = next(n for n, u in juju.status().apps["probe"].units.items() if u.leader)
    other = "probe/1" if leader == "probe/0" else "probe/0"
    juju.cli("lab", "move-leader", "probe", other, include_model=False)
    assert juju.status().apps["probe"].units[other].leader
    eventually(lambda: "leader-elected" in hooks(provider, int(other[-1])))


def test_the_debug_log_has_the_charm_s_words(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    log = juju.debug_log()
    assert "INFO unit.probe/0.juju-log done with start" in log
    assert len(juju.debug_log(limit=2).splitlines()) == 2
    only = juju.cli("debug-log", "--include", "probe/0", "--level", "INFO", "--no-tail")
    assert all(line.startswith("unit-probe-0: ") for line in only.splitlines())


def test_hooks_are_timed(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    figures = json.loads(
        juju.cli("lab", "show-hooks", "probe/0", "--format", "json", include_model=False)
    )
    assert figures[0]["hook"] == "install"
    assert figures[0]["outcome"] == "committed"
    assert 0 < figures[0]["cpu_seconds"] < figures[0]["seconds"] + 1


def test_two_applications_relate(juju: jubilant.Juju, probe: Path, provider: PlainProvider):
    juju.deploy(probe, "one")
    juju.deploy(probe, "two")
    juju.integrate("one:friend", "two:friends")
    juju.wait(jubilant.all_active, delay=0.1)
    related = juju.status().apps["one"].relations["friend"]
    assert [one.related_app for one in related] == ["two"]
    juju.remove_relation("one:friend", "two:friends")
    juju.wait(lambda status: "friend" not in status.apps["one"].relations, delay=0.1)


def test_secrets_of_the_operator(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    uri = juju.add_secret("word", {"token": "hunter2"})
    juju.grant_secret("word", "probe")
    assert juju.exec(f"secret-get {uri} token", unit="probe/0").stdout == "hunter2\n"
    assert juju.show_secret("word", reveal=True).content == {"token": "hunter2"}
    assert [secret.name for secret in juju.secrets()] == ["word"]


def test_storage_is_attached_and_detached(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe, storage={"data": "1G"})
    wait_active(juju, 1)
    assert hooks(provider, 0)[0] == "data-storage-attached"
    location = juju.exec("storage-get -s data/0 location", unit="probe/0").stdout.strip()
    assert Path(location).is_dir()


def test_the_version_is_one_of_juju_4_0(juju: jubilant.Juju):
    assert juju.version().tuple[:2] == (4, 0)


def test_status_as_text(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    text = juju.cli("status")
    assert "probe/0*" in text
    assert "10.99.0.1" in text
    assert "zone-1" in text


def test_wait_for(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    juju.cli("wait-for", "application", "probe", "--timeout", "20s")
    with pytest.raises(jubilant.CLIError, match="timed out"):
        juju.cli("wait-for", "unit", "probe/0", "--query", 'status=="blocked"', "--timeout", "1s")


@pytest.mark.parametrize(
    "words", [["nosuch"], ["status", "--nosuch"], ["lab", "nosuch"], ["deploy"]]
)
def test_a_wrong_command_line_exits_with_2(juju: jubilant.Juju, words: list[str]):
    assert command(*words).returncode == 2


def test_an_error_goes_to_stderr_and_exits_with_1(juju: jubilant.Juju):
    done = command("remove-unit", "--no-prompt", "nosuch/0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ERROR ")


def test_nothing_is_removed_without_a_yes(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    assert command("remove-application", "probe").returncode == 1
    assert "probe" in juju.status().apps


def test_down_ends_the_controller(
    juju: jubilant.Juju, probe: Path, controller: Controller, tmp_path: Path
):
    juju.deploy(probe)
    wait_active(juju, 1)
    juju.cli("lab", "down", include_model=False)
    assert controller.stopped.is_set()
    assert not list((tmp_path / "models").iterdir())
