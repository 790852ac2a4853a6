# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster uses the model's proxies, and an operator's own stay."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from ops import testing
from pydantic import ValidationError

from act.step import act
from hooks import reading
from options.options import Options, explain
from plan.server import proxies
from plan.server.proxies import HTTP, HTTPS, IGNORED
from state.facts import Proxies
from state.notes import WROTE
from state.view import RunHistory
from steps.server import SetProxies
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, heal, names, notes, the_cluster, without
from tests.unit.stage import Stage

SQUID = "http://squid.internal:3128"
MODEL = Proxies(SQUID, SQUID, "127.0.0.1,localhost,::1,10.0.0.0/8")
MEMBERS = ["10.0.0.1", "fd00::2"]
PASSWORD = "http://me:secret@squid.internal:3128"


@pytest.mark.parametrize(
    ("options", "model", "meant"),
    [
        pytest.param({}, Proxies(), ("", "", ""), id="none"),
        pytest.param({}, Proxies(ignored="localhost"), ("", "", ""), id="nothing to ignore"),
        pytest.param(
            {},
            MODEL,
            (SQUID, SQUID, "10.0.0.0/8,10.0.0.1,127.0.0.1,[::1],[fd00::2],localhost"),
            id="the model's, and members are reached without",
        ),
        pytest.param(
            {}, Proxies(https=SQUID), ("", SQUID, "10.0.0.1,[fd00::2]"), id="for HTTPS alone"
        ),
        pytest.param(
            {"proxy_http": "none", "proxy_https": "none"}, MODEL, ("", "", ""), id="taken back"
        ),
        pytest.param(
            {"proxy_https": "socks5://10.0.0.9:1080", "proxy_ignore_hosts": ".maas, 192.0.2.1"},
            MODEL,
            (SQUID, "socks5://10.0.0.9:1080", ".maas,10.0.0.1,192.0.2.1,[fd00::2]"),
            id="the options'",
        ),
        pytest.param(
            {"proxy_ignore_hosts": "none"},
            MODEL,
            (SQUID, SQUID, "10.0.0.1,[fd00::2]"),
            id="nobody else is ignored",
        ),
    ],
)
def test_proxies_come_from_the_options_or_else_the_model(
    options: dict[str, Any], model: Proxies, meant: tuple[str, str, str]
):
    found = proxies.wanted(Options(**options), model, MEMBERS)

    assert (found[HTTP], found[HTTPS], found[IGNORED]) == meant


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("proxy_http", "squid", "proxy-http=squid: use auto, none or a URL such as"),
        ("proxy_https", "", "proxy-https=: use auto, none or a URL such as"),
        ("proxy_https", PASSWORD + "/x y", "proxy-https=http://..."),
        ("proxy_ignore_hosts", "a;b", "proxy-ignore-hosts=a;b: use auto, none or hosts"),
    ],
)
def test_a_text_that_is_not_a_proxy_is_refused(option: str, value: str, why: str):
    with pytest.raises(ValidationError) as caught:
        Options.model_validate({option: value})

    reason = explain(caught.value)
    assert reason.startswith(why)
    assert "secret" not in reason


# On whole clusters.


def config(app: ModelApp) -> dict[str, str]:
    """The cluster's proxies."""
    keys = (HTTP, HTTPS, IGNORED)
    return {key: value for key, value in the_cluster(app).config.items() if key in keys}


def behind(app: ModelApp, model: Proxies = MODEL) -> ModelApp:
    """The model has these proxies from now on."""
    app.proxies = model
    app.settle()
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_the_models_proxies_come_and_go(generation: str):
    app = behind(formed(2, generation))

    assert config(app)[HTTPS] == SQUID
    assert {"10.0.0.1", "10.0.0.2"} < set(config(app)[IGNORED].split(","))
    app.add(2)
    app.settle()
    assert "10.0.0.3" in config(app)[IGNORED].split(",")

    behind(app, Proxies("http://other:3128", SQUID, ""))
    assert config(app)[HTTP] == "http://other:3128"

    behind(app, Proxies())
    assert config(app) == {}
    assert not [note for note in notes(app) if note.startswith(WROTE)]
    assert set(statuses(app).values()) >= {"active: 3 members, 3 voters"}


@pytest.mark.parametrize("generation", NAMES)
def test_what_an_operator_has_set_stays(generation: str):
    app = formed(2, generation)
    api(app).server.set_config({HTTP: "http://mine:1"})

    behind(app)
    assert config(app)[HTTP] == "http://mine:1"
    assert config(app)[HTTPS] == SQUID

    behind(app, Proxies())
    assert config(app) == {HTTP: "http://mine:1"}


def test_what_an_operator_changes_is_the_operators_from_then_on():
    app = changed(formed(2), proxy_https=SQUID)
    api(app).server.set_config({HTTPS: "http://mine:1"})
    app.settle()
    assert config(app)[HTTPS] == "http://mine:1"

    # Back to the charm's value: the last writer counts.
    api(app).server.set_config({HTTPS: SQUID})
    changed(app, proxy_https="none")

    assert config(app) == {HTTPS: SQUID}


def test_an_option_that_conflicts_with_an_operators_key_is_reported():
    app = formed(2)
    api(app).server.set_config({HTTP: "http://mine:1"})
    changed(app, proxy_http=SQUID)

    assert statuses(app)["lxd/0"] == (
        "blocked: core.proxy_http was set by hand: lxc config unset core.proxy_http"
    )
    api(app).server.set_config({HTTP: ""})
    app.settle()
    assert config(app)[HTTP] == SQUID


@pytest.mark.parametrize("by_juju", [("", "", ""), (SQUID, SQUID, MODEL.ignored)])
def test_what_juju_overwrites_is_written_again(by_juju: tuple[str, str, str]):
    """Its agents set these keys to the model's proxies, without the members, or unset them."""
    app = behind(formed(2))
    meant = config(app)
    api(app).server.set_config(dict(zip((HTTP, HTTPS, IGNORED), by_juju, strict=True)))

    app.settle()
    assert config(app) == meant

    behind(app, Proxies())
    assert config(app) == {}


def test_what_juju_was_first_to_write_gets_the_members():
    app = formed(2)
    api(app).server.set_config({HTTP: SQUID, HTTPS: SQUID, IGNORED: MODEL.ignored})

    behind(app)

    assert {"10.0.0.1", "10.0.0.2"} < set(config(app)[IGNORED].split(","))


def test_a_member_that_knows_none_of_the_clusters_keys_overwrites_none():
    """LXD answers from memory, and a new member has no values there."""
    app = formed(1)
    api(app).server.set_config({HTTP: "http://mine:1"})
    app.add(1)
    app.settle()
    unit = app.units["lxd/1"]
    unit.server.remembers = {}
    step = SetProxies({HTTP: SQUID, HTTPS: SQUID})

    act(step, "lxd/1", unit.ports, RunHistory())

    assert config(app) == {HTTP: "http://mine:1", HTTPS: SQUID}


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_step_that_is_cut_anywhere_is_taken_up(cut: int):
    """A change from one proxy to another: the actual value is always known as the charm's."""
    app = behind(formed(1), Proxies(SQUID))
    app.proxies = Proxies("http://other:3128")
    count = 0

    def fault(machine: str, call: str) -> Fault:
        nonlocal count
        count += call.split(maxsplit=1)[0] in ("POST", "PUT", "PATCH", "DELETE")
        return "lost" if count == cut else ""

    app.cloud.fault = fault
    app.hook("lxd/0")
    heal(app)

    app.settle()
    assert config(app)[HTTP] == "http://other:3128"
    behind(app, Proxies())
    assert config(app) == {}


def test_a_member_that_is_down_reads_it_when_it_starts():
    app = without(formed(3), "m2")
    app.proxies = MODEL

    for unit in ("lxd/0", "lxd/1"):
        app.hook(unit)

    assert config(app)[HTTPS] == SQUID
    assert names(app) == ["m0", "m1", "m2"]


def test_a_password_is_in_no_log_no_status_and_no_databag(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    app = behind(formed(2), Proxies(PASSWORD, PASSWORD))

    assert config(app)[HTTP] == PASSWORD
    texts = [caplog.text, *(line for unit in app.units.values() for line in unit.shown_steps)]
    texts += [
        str(app.databags),
        str(app.app_data),
        str(notes(app)),
        repr(app.view("lxd/0").proxies),
    ]
    assert not [text for text in texts if "secret" in text]
    assert "set core.proxy_http, set core.proxy_https, set core.proxy_ignore_hosts" in caplog.text


def test_they_come_from_the_hooks_environment(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    monkeypatch.setenv("JUJU_CHARM_HTTPS_PROXY", SQUID)
    monkeypatch.setenv("JUJU_CHARM_NO_PROXY", "example.com")

    out: testing.State = stage.context.run(stage.context.on.update_status(), stage.state())

    assert out.unit_status.name == "active"
    assert config(app)[HTTPS] == SQUID
    assert "example.com" in config(app)[IGNORED]
    assert reading.proxies({}) == Proxies()


HOUSE = {"http_proxy": "http://house:1", "HTTP_PROXY": "http://house:1", "no_proxy": "localhost"}
"""A model with `http-proxy`, which Juju sets for whole machines and also gives LXD."""


@pytest.mark.parametrize(
    ("environment", "meant"),
    [
        (HOUSE, Proxies("http://house:1", "", "localhost")),
        (HOUSE | {"JUJU_CHARM_HTTP_PROXY": ""}, Proxies("http://house:1", "", "localhost")),
        # Each has a default for what needs no proxy.
        (HOUSE | {"JUJU_CHARM_NO_PROXY": "::1"}, Proxies("http://house:1", "", "localhost")),
        ({"JUJU_CHARM_NO_PROXY": "::1", "no_proxy": "localhost"}, Proxies("", "", "::1")),
        (HOUSE | {"JUJU_CHARM_HTTPS_PROXY": SQUID}, Proxies("", SQUID, "")),
    ],
)
def test_a_model_may_have_them_for_whole_machines(environment: dict[str, str], meant: Proxies):
    assert reading.proxies(environment) == meant


def test_what_juju_writes_of_a_whole_machines_proxies_gets_the_members(
    monkeypatch: pytest.MonkeyPatch,
):
    app = formed(2)
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    api(app).server.set_config({HTTP: "http://house:1", IGNORED: "localhost"})
    for name, value in HOUSE.items():
        monkeypatch.setenv(name, value)

    stage.context.run(stage.context.on.update_status(), stage.state())

    assert {"10.0.0.1", "10.0.0.2"} < set(config(app)[IGNORED].split(","))
