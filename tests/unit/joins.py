# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A join as a single step with everything that it needs, and units that wait to join."""

from __future__ import annotations

import pytest

from act import token_sealing
from act.step import act
from state.notes import IDENTITY
from state.view import RunHistory
from steps.forming import Join, MakeToken
from tests.unit.cutting import Killed
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import notes


def joining(app: ModelApp) -> Join:
    """The step of one more unit, lxd/9, with a fresh token."""
    unit = app.add(9)
    unit.snap.install("5.21/stable", "")
    private = token_sealing.new_key()
    public = token_sealing.public_half(private)
    unit.machine.keep_key(private, public)
    issuer = app.units["lxd/0"]
    step = MakeToken("lxd/9", "m9", public, 0, adopted=False)
    token = act(step, "lxd/0", issuer.ports, RunHistory()).made
    assert token is not None
    return Join(
        name="m9",
        address="10.0.0.10:8443",
        sealed=token.sealed,
        cluster=notes(app)[IDENTITY],
        trusted=frozenset({issuer.server.fingerprint}),
        pools={"local": {"source": ""}},
    )


def two_waiting() -> ModelApp:
    """A cluster of lxd/0, and two units that asked it to join: lxd/1 has its token, lxd/2 waits."""
    app = formed(1)
    app.add(1)
    app.add(2)
    for name in ("lxd/1", "lxd/2", "lxd/0", "lxd/0"):
        app.hook(name)
    return app


def kill_in_join(app: ModelApp, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit's hook is killed while its LXD joins, which goes on without it."""
    server, pause = app.units[name].server, app.cloud.pause

    def pause_or_die(seconds: float, what: str) -> None:
        if server.working("join_cluster"):
            raise Killed(what)
        pause(seconds, what)

    with monkeypatch.context() as patch:
        patch.setattr(app.cloud, "pause", pause_or_die)
        with pytest.raises(Killed):
            app.hook(name, commit=False)
