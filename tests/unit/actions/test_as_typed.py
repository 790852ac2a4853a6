# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each action as an operator types it: Juju's client, the action's schema, the real ops."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions import parameters as actions_parameters
from actions.refusal import quoted
from deadlines import RECOVERY_ANSWER
from hooks.holds import CannotLeave
from lab.cli import parameters
from lab.model.errors import JujuError
from lxd.join_tokens import fingerprint_of
from records import loss_record
from state.facts import Device, Failures
from tests.unit.charm_config import CONFIG
from tests.unit.hook_tools import ROOT, Done, HookTools
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, names, note, with_pool, with_volume

ACTIONS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "actions.yaml").read_text())
KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
"""What Juju's action-set accepts as a key."""


def of(app: ModelApp, folder: Path, monkeypatch: pytest.MonkeyPatch) -> HookTools:
    """The application in Juju, without an attached snap."""
    return HookTools(app, folder, monkeypatch)


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookTools:
    """Three members with nothing to do."""
    return of(formed(3), tmp_path, monkeypatch)


def typed(tools: HookTools, line: str) -> Done:
    """`juju run` with these words after it."""
    unit, action, *words = shlex.split(line)
    return tools.action(unit, action, parameters.from_words(words, {}, strings=False))


def test_cluster_status(three: HookTools):
    done = typed(three, "lxd/1 cluster-status")

    assert done.results["members"] == "3"
    assert "lxd/0  m0      10.0.0.1" in done.results["table"]
    # A remote client asks its user to accept the certificate that members show.
    shown = three.app.units["lxd/1"].server.lxd.certificate("10.0.0.2", 8443, 5)
    assert done.results["fingerprint"] == fingerprint_of(shown)


PLANS = [
    ("plan", "nothing to do"),
    ("plan storage-backend=dir", "2. create the dir pool local-dir on m0, m1, m2"),
    ("plan network-mode=vxlan network-mtu=1400", "create the vxlan network lxdbr0vxlan on"),
    ("plan storage-pools.fast=dir", "create the dir pool fast on m0, m1, m2"),
    ("plan storage-pools.fast.backend=btrfs storage-pools.fast.size=10GiB", "the btrfs pool fast"),
    ("plan storage-pool=10", "create the btrfs pool 10 on m0, m1, m2"),
    ("""plan storage-pools="'{fast_one: dir}'" """, "create the dir pool fast_one on m0, m1, m2"),
    ("plan images-replicas=-1 network-nat=no", "set cluster.images_minimal_replica=-1"),
    ("plan storage-size=", "nothing to do"),
    ("plan networks.lan.mode=bridge networks.lan.ipv4=10.7.0.1/24", "the bridge network lan on"),
    ("plan network-config.ipv4.dhcp.expiry=4h", "set ipv4.dhcp.expiry, user.lxd-cluster.keys on"),
]


@pytest.mark.parametrize(("line", "step"), PLANS)
def test_plan_takes_options_as_they_are_typed(three: HookTools, line: str, step: str):
    before = set(three.app.units["lxd/0"].server.records.pools)

    done = typed(three, f"lxd/0 {line}")

    assert done.failure == ""
    assert step in done.results["plan"]
    assert set(three.app.units["lxd/0"].server.records.pools) == before


def test_plan_shows_how_the_options_were_read(three: HookTools):
    done = typed(three, "lxd/0 plan storage-pool=0123 storage-pools.fast=dir")

    # The client reads 0123 as an octal number.
    assert done.results["options"].splitlines() == [
        "storage-pool=83",
        'storage-pools={"fast": "dir"}',
    ]


def test_plan_tries_what_would_put_a_mistake_right(three: HookTools):
    three.juju.set_config("lxd", {"storage-backend": "zsf"})

    done = typed(three, "lxd/0 plan storage-backend=btrfs")

    assert (done.failure, done.results["plan"]) == ("", "nothing to do")


REFUSED = [
    ("plan storage-backend=zsf", "storage-backend=zsf: use one of auto, btrfs"),
    ("plan storage-pools.fast=zsf", "fast: backend is one of"),
    ("plan network-domain=1.10", """put it in quotes: network-domain="'...'\""""),
    ("plan network-vlan=many", "network-vlan=many: use a whole number"),
    ("remove-pool name=0123", "there is no pool 83: there is nothing to name"),
    ("remove-pool name=local", "change storage-backend or storage-pools first"),
    ("forget-lost name=m9", "m9 is not recorded as lost: type forget-lost name=m8"),
    ("retry-join", "no join of this unit failed"),
    ("form-again confirm=yes-the-cluster-is-gone", "a unit is a member of the cluster"),
    ("wipe-device device=/dev/sdb", "/dev/sdb holds ext4: repeat with confirm=wipe-0123"),
    ("wipe-device device=/dev/sdb confirm=0123", "repeat with confirm=wipe-0123"),
    ("wipe-device device=/dev/sdz", "is not a block device here: lsblk"),
    ("take-back", "the application has a cluster: empty this LXD instead"),
    ("let-in", "only a unit that leaves as the last member needs this"),
    ("recover-quorum", "LXD answers: its database has its quorum"),
    ("recover-quorum confirm=recover-lxd-0", "LXD answers: its database has its quorum"),
]


@pytest.mark.parametrize(("line", "why"), REFUSED)
def test_an_action_that_fails_says_what_to_type(three: HookTools, line: str, why: str):
    unit = three.app.units["lxd/0"]
    unit.machine.disks = [Device("/dev/sdb", 1 << 30, holds="ext4", ids=("0123", "1e5"))]
    note(three.app, loss_record.LOG + "m8", '["default/c1"]')

    done = typed(three, f"lxd/0 {line}")

    assert why in done.failure
    assert unit.machine.disks[0].holds == "ext4"


NOT_FOR_OUTSIDERS = ["cluster-status", "forget-lost name=m9", "remove-pool name=local"]


@pytest.mark.parametrize("action", NOT_FOR_OUTSIDERS)
def test_a_unit_outside_says_where_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
):
    app = formed(1)
    app.add(1)
    tools = of(app, tmp_path, monkeypatch)

    done = typed(tools, f"lxd/1 {action}")

    assert done.failure.endswith(f"; juju run lxd/0 {action}")


@pytest.mark.parametrize("confirm", ["wipe-0123", "wipe-1e5"])
def test_a_confirmation_is_text_to_the_client(three: HookTools, confirm: str):
    machine = three.app.units["lxd/0"].machine
    machine.disks = [Device("/dev/sdb", 1 << 30, holds="ext4", ids=("0123", "1e5"))]

    done = typed(three, f"lxd/0 wipe-device device=/dev/sdb confirm={confirm}")

    assert done.results == {"result": "/dev/sdb held ext4 and is empty now"}


DONE = [
    ("backup-database", "path", "/var/lib/lxd-cluster/backups/"),
    ("cluster-status", "members", "3"),
    ("forget-lost name=default/c1", "result", "default/c1 is acknowledged"),
    ("plan storage-pool=b", "options", "storage-pool=b"),
    ("remove-pool name=old", "result", "the pool old is gone from all members"),
    ("retry-join", "result", "joins are tried again"),
]


@pytest.mark.parametrize(("line", "key", "value"), DONE)
def test_an_action_does_what_it_says(three: HookTools, line: str, key: str, value: str):
    with_pool(three.app, "old")
    note(three.app, loss_record.LOG + "m8", '["default/c1"]')
    three.app.units["lxd/1"].machine.failures_ = Failures(3, "no")

    done = typed(three, f"lxd/1 {line}")

    assert done.results[key].startswith(value)
    assert all(KEY.fullmatch(found) for found in done.results)


def test_each_action_is_typed():
    lines = [line for line, *_ in (*PLANS, *REFUSED, *DONE)]

    assert {line.split()[0] for line in lines} == set(ACTIONS)


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookTools:
    """A unit in error: it is being removed, and something on it cannot move."""
    app = with_volume(formed(3), "m2")
    app.leaving.add("lxd/2")
    tools = of(app, tmp_path, monkeypatch)
    tools.juju.remove_unit(tools.world.now, "lxd/2")
    with pytest.raises(CannotLeave):
        tools.hook("lxd/2", "stop")
    return tools


def test_what_a_unit_in_error_would_do_can_be_seen(held: HookTools):
    done = typed(held, "lxd/2 plan")

    assert done.failure == ""
    assert "default/local/data" in done.results["status"]


def test_a_unit_in_error_copies_its_database(held: HookTools):
    done = typed(held, "lxd/2 backup-database")

    assert (done.failure, list(done.results)) == ("", ["path"])
    assert names(held.app) == ["m0", "m1", "m2"]


def test_an_action_takes_no_unit_away(held: HookTools):
    """Juju tries its hook again by itself. A failed action must not be treated as such a hook."""
    machine = held.app.units["lxd/2"].machine
    machine.disks = [Device("/dev/sdb", 1 << 30, holds="ext4", ids=("0123",))]

    done = typed(held, "lxd/2 wipe-device device=/dev/sdb confirm=wipe-0123")

    assert (done.failure, list(done.results)) == ("", ["result"])
    assert names(held.app) == ["m0", "m1", "m2"]


def test_a_unit_in_error_recovers_the_quorum(held: HookTools):
    for name in ("lxd/0", "lxd/1"):
        held.app.units[name].server.power_off()
    later(held.app, 600)

    command = "lxd/2 recover-quorum lost=lxd/0,lxd/1"
    asked = typed(held, command)
    early = typed(held, f"{command} confirm=recover-lxd-2")
    later(held.app, RECOVERY_ANSWER)
    done = typed(held, f"{command} confirm=recover-lxd-2")

    assert asked.failure == "this gives up all other voters: repeat with confirm=recover-lxd-2"
    assert "run it again in 5 min" in early.failure
    assert (done.failure, list(done.results)) == ("", ["backup"])


def test_without_goal_state_only_whom_the_operator_names_is_lost(three: HookTools):
    for name in ("lxd/0", "lxd/2"):
        three.app.units[name].server.power_off()
    later(three.app, 600)
    three.failing["goal-state"] = "ERROR saas application not found"

    unnamed = typed(three, "lxd/1 recover-quorum confirm=recover-lxd-1")
    command = "lxd/1 recover-quorum lost=[lxd/0,lxd/2] confirm=recover-lxd-1"
    early = typed(three, command)
    later(three.app, RECOVERY_ANSWER)
    named = typed(three, command)

    assert "run it again in 5 min" in early.failure
    assert "add lost=UNIT,UNIT" in unnamed.failure
    assert (named.failure, list(named.results)) == ("", ["backup"])


def commands() -> list[tuple[str, str]]:
    """Every `juju run` of the documents, and its place."""
    return [
        (document.name, found.split("  ")[0].strip())
        for document in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
        for line in document.read_text().splitlines()
        for found in re.findall(r"juju run ([^`|;]+)", line)
    ]


@pytest.mark.parametrize(("document", "line"), commands())
def test_what_the_documents_show_can_be_typed(document: str, line: str):
    unit, action, *words = shlex.split(line, comments=True)
    given = parameters.from_words(words, {}, strings=False)

    assert re.fullmatch(r"UNIT|(APP|lxd-cluster)/(leader|\d+)", unit), document
    assert set(given) <= set(ACTIONS[action].get("params", {})), document
    assert set(ACTIONS[action].get("required", ())) <= set(given), document
    if action == "plan":
        actions_parameters.with_options(CONFIG, given)
    else:
        assert all(isinstance(value, str) for value in given.values()), document


def test_the_page_about_recovery_shows_actions():
    """They work on a unit in error, and they check what commands by hand do not."""
    page = (ROOT / "docs/how-to/recover.md").read_text()

    shown = {shlex.split(line)[1] for document, line in commands() if document == "recover.md"}

    assert {"recover-quorum", "backup-database", "plan"} <= shown
    assert "recover-from-quorum-loss" not in page


@pytest.mark.parametrize("action", ACTIONS)
def test_a_parameter_that_there_is_not_is_refused_by_each_juju(action: str):
    """If an action does not say, 3.6 accepts it and 4.0 does not: juju issue 21294."""
    assert ACTIONS[action]["additionalProperties"] is False


def test_the_old_form_is_refused_by_juju(three: HookTools):
    with pytest.raises(JujuError, match='additional property "config" is not allowed'):
        three.action("lxd/0", "plan", {"config": "storage-backend=zfs"})


NAMES_TO_TYPE = [
    "local",
    "0123",
    "yes",
    "a b",
    "it's",
    'say "x"',
    "$HOME",
    "`id`",
    "back\\slash",
    "é?",
]


@pytest.mark.parametrize("name", NAMES_TO_TYPE)
def test_a_name_that_is_typed_as_advised_is_that_name(name: str):
    word = f"name={quoted(name)}"
    shell = ["/bin/sh", "-c", f"printf %s {word}"]

    read = subprocess.run(shell, check=True, capture_output=True, text=True, timeout=10).stdout

    assert parameters.from_words([read], {}, strings=False) == {"name": name}
