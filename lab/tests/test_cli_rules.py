# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Differences between Juju 3.6 and 4.0, and unexpected behaviour of both."""

from __future__ import annotations

import json
from pathlib import Path

import jubilant
import pytest

from lab.model.rules import VERSIONS, Rules, rules_asked_for
from lab.testing.waiting import eventually
from plain_hosts import PlainProvider
from probes import command, hooks, wait_active


def test_the_environment_says_whose_rules_a_model_keeps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LXD_CLUSTER_LAB_JUJU", raising=False)
    assert rules_asked_for() == "4.0"
    monkeypatch.setenv("LXD_CLUSTER_LAB_JUJU", "3.6")
    assert rules_asked_for() == "3.6"
    monkeypatch.setenv("LXD_CLUSTER_LAB_JUJU", "2.9")
    with pytest.raises(ValueError, match=r"LXD_CLUSTER_LAB_JUJU=2\.9: use one of 3\.6, 4\.0"):
        rules_asked_for()


@pytest.mark.parametrize("rules", ["3.6", "4.0"])
def test_command_units_and_status_show_the_version(juju: jubilant.Juju, probe: Path, rules: Rules):
    version = VERSIONS[rules]
    assert command("version").stdout == f"{version}-ubuntu-amd64\n"
    juju.deploy(probe)
    wait_active(juju, 1)
    assert juju.status().model.version == version
    assert juju.exec("echo $JUJU_VERSION", unit="probe/0").stdout == f"{version}\n"


def test_no_unit_is_notified_of_a_unit_that_is_gone(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    juju.remove_unit("probe/1")
    wait_active(juju, 1)
    juju.exec("true", unit="probe/0")
    assert "cluster-relation-departed probe/1" not in hooks(provider, 0)


def test_a_machine_of_a_unit_removed_by_force_runs_on_until_it_is_released(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    juju.remove_unit("probe/1", force=True)
    status = wait_active(juju, 1)
    assert set(status.machines) == {"0"}
    host = provider.host(1)
    assert host.is_running()
    assert "stop" not in hooks(provider, 1)
    juju.cli("lab", "release-machine", "1", include_model=False)
    assert not host.is_running()
    assert command("lab", "release-machine", "1").returncode == 1


def test_no_lab_leaves_such_a_machine_behind(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    juju.remove_unit("probe/1", force=True)
    wait_active(juju, 1)
    juju.destroy_model("lab", force=True)
    assert not provider.host(1).is_running()


def test_an_action_runs_on_a_unit_in_error(juju: jubilant.Juju, probe: Path):
    juju.model_config({"automatically-retry-hooks": "false"})
    juju.deploy(probe)
    wait_active(juju, 1)
    juju.config("probe", {"fail-in": "config-changed"})
    juju.wait(jubilant.any_error, delay=0.1, successes=1)
    assert juju.run("probe/0", "echo", {"text": "still here"}).status == "completed"
    assert juju.exec("echo there", unit="probe/0").stdout == "there\n"
    assert jubilant.any_error(juju.status())


def test_the_environment_of_exec(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    shown = juju.exec("env", unit="probe/0").stdout.splitlines()
    found = {line.partition("=")[0]: line.partition("=")[2] for line in shown}
    assert found["JUJU_ACTION_NAME"] == "juju-exec"
    assert found["JUJU_HOOK_NAME"] == ""
    assert "JUJU_DISPATCH_PATH" not in found


def test_goal_state_fails_when_the_lab_is_set_so(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    juju.cli("lab", "fail-goal-state", 'saas application "ceph" not found', include_model=False)
    with pytest.raises(jubilant.TaskError) as failed:
        juju.exec("goal-state", unit="probe/0")
    assert failed.value.task.return_code == 1
    assert failed.value.task.stderr == 'ERROR saas application "ceph" not found\n'
    juju.cli("lab", "fail-goal-state", include_model=False)
    assert "probe/0" in juju.exec("goal-state", unit="probe/0").stdout


@pytest.mark.usefixtures("juju")
def test_spaces_are_listed_with_their_subnets():
    spaces = json.loads(command("spaces", "--format", "json").stdout)["spaces"]
    assert {one["name"]: list(one["subnets"]) for one in spaces} == {
        "alpha": ["10.99.0.0/24"],
        "internal": ["10.99.1.0/24"],
    }


def test_bindings_may_change_and_units_are_notified(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe)
    wait_active(juju, 1)
    before = hooks(provider, 0).count("config-changed")
    juju.cli("bind", "probe", "internal")
    eventually(lambda: hooks(provider, 0).count("config-changed") > before)
    ingress_address = juju.exec("network-get --ingress-address juju-info", unit="probe/0").stdout
    assert ingress_address == "10.99.1.1\n"
    with pytest.raises(jubilant.CLIError, match="exit status 1"):
        juju.cli("bind", "probe", "nowhere")


def test_a_model_may_have_a_default_space(juju: jubilant.Juju, probe: Path):
    juju.model_config({"default-space": "internal"})
    juju.deploy(probe)
    wait_active(juju, 1)
    ingress_address = juju.exec("network-get --ingress-address juju-info", unit="probe/0").stdout
    assert ingress_address == "10.99.1.1\n"


def test_a_parameter_that_is_a_map_is_refused_by_the_client(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    wait_active(juju, 1)
    done = command("run", "probe/0", "echo", "text={a: b}")
    assert (done.returncode, done.stderr) == (
        1,
        "ERROR json: unsupported type: map[interface {}]interface {}\n",
    )
    done = command("run", "probe/0", "echo", "text=12345")
    assert "must be of type string, given 12345" in done.stderr
    done = command("run", "probe/0", "echo", "--string-args", "text=12345")
    assert done.returncode == 0
