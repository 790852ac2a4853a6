# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's snap through snapd's socket: installing, holding, and what snapd refuses."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from charmlibs import snap as charmlibs_snap
from charmlibs.snap import _client

import deadlines
from host import snap, snap_channel, snapd
from host.snap import ChannelUnknownError, Snap, SnapError
from host.snap_file import Meta
from host.time_limit import TookTooLong
from state.facts import Resource
from tests.unit.snapd_stand_in import Snapd, serving

RELEASES = {
    "5.21/stable": ("5.21.7-1f23abc", "350"),
    "6/stable": ("6.9-77bcafe", "400"),
    "6/edge": ("git-1234567", "410"),
    "latest/stable": ("6.9-77bcafe", "400"),
}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Snapd]:
    # A socket's path has room for 108 bytes.
    with tempfile.TemporaryDirectory() as folder:
        stand_in = Snapd(Path(folder), dict(RELEASES))
        monkeypatch.setattr(_client, "_SOCKET_PATH", str(stand_in.socket))
        monkeypatch.setattr(_client, "_POLL_INTERVAL", 0.01)
        monkeypatch.setattr(snapd, "SOCKET", str(stand_in.socket))
        monkeypatch.setattr(snap, "_CURRENT", stand_in.current)
        monkeypatch.setattr(snap, "_FILES", Path(folder))
        monkeypatch.setattr(snap_channel, "_STATE_OF_SNAPD", stand_in.state)
        monkeypatch.setattr(snap, "_TICK", 0.0)
        with serving(stand_in):
            yield stand_in


@pytest.fixture
def lxd(tmp_path: Path) -> Snap:
    return Snap(tmp_path / "state")


def test_it_is_installed_from_its_channel_and_held(store: Snapd, lxd: Snap):
    lxd.install("5.21/stable", "")

    assert store.called == ["install 5.21/stable", "hold"]
    assert store.installed is not None
    assert store.installed.held
    facts = lxd.facts(None)
    assert (facts.revision, facts.version) == ("350", "5.21.7-1f23abc")
    assert facts.channel == "5.21/stable"
    assert not facts.unfinished


def test_a_revision_is_installed_at_once(store: Snapd, lxd: Snap):
    lxd.install("6/stable", "350")

    assert store.called == ["install 6/stable 350", "hold"]


def test_one_that_is_there_gets_the_revision_and_the_channel(store: Snapd, lxd: Snap):
    store.lay_out("90", "5.0.3", "5.0/stable/ubuntu-22.04")

    lxd.install("5.21/stable", "350")

    assert store.called == ["refresh 5.21/stable 350", "hold"]


def test_what_is_there_is_not_installed_again(store: Snapd, lxd: Snap):
    store.lay_out("350", "5.21.7", "5.21/stable")

    lxd.install("5.21/stable", "350")

    assert store.called == ["hold"]


def test_what_the_image_brought_is_refreshed_though_the_channel_is_right(store: Snapd, lxd: Snap):
    store.lay_out("300", "5.21.5", "5.21/stable")

    lxd.install("5.21/stable", "")

    assert store.called == ["refresh 5.21/stable", "hold"]
    store.called.clear()
    lxd.install("5.21/stable", "")
    assert store.called == ["hold"]


def test_a_revision_that_the_charm_did_not_install_is_foreign(store: Snapd, lxd: Snap):
    assert not lxd.facts(None).foreign
    store.lay_out("29351", "5.0.3", "5.0/stable/ubuntu-22.04")
    assert lxd.facts(None).foreign

    lxd.install("5.21/stable", "")
    assert not lxd.facts(None).foreign

    store.lay_out("29351", "5.0.3", "5.0/stable")
    assert lxd.facts(None).foreign


def test_an_lxd_that_has_never_run_has_no_database(
    store: Snapd, lxd: Snap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(snap, "_LXD_DIR", tmp_path)
    store.lay_out("29351", "5.0.3", "5.0/stable/ubuntu-22.04")
    assert lxd.facts(None).untouched

    (tmp_path / "database").mkdir()
    assert not lxd.facts(None).untouched


def test_a_disabled_lxd_is_not_a_missing_one(store: Snapd, lxd: Snap):
    assert not lxd.facts(None).disabled
    store.lay_out("350", "5.21.7", "5.21/stable")
    assert not lxd.facts(None).disabled

    store.current.unlink()

    facts = lxd.facts(None)
    assert (facts.installed, facts.disabled, facts.changing) == (False, True, False)
    with pytest.raises(SnapError, match="disabled"):
        lxd.install("5.21/stable", "350")


def test_a_second_lxd_beside_it_is_another_snap(store: Snapd, lxd: Snap):
    (store.folder / "lxd_mine_350.snap").touch()

    assert not lxd.facts(None).disabled


@pytest.mark.parametrize(
    ("change", "changing"),
    [
        ({"kind": "refresh-snap", "for": "lxd"}, True),
        ({"kind": "seed", "for": ""}, True),
        ({"kind": "refresh-snap", "for": "core24"}, False),
    ],
)
def test_while_snapd_exchanges_lxd_it_is_disabled_for_a_moment(
    store: Snapd, lxd: Snap, change: dict[str, str], changing: bool
):
    store.lay_out("350", "5.21.7", "5.21/stable")
    store.current.unlink()

    store.in_progress.append(change)

    assert lxd.facts(None).changing == changing


def test_it_is_removed_with_all_that_is_known_of_it(store: Snapd, lxd: Snap):
    lxd.install("6/stable", "")

    lxd.remove()

    assert store.called[-1] == "remove"
    assert store.installed is None
    facts = lxd.facts(None)
    assert (facts.installed, facts.foreign, facts.unfinished) == (False, False, False)
    lxd.install("5.21/stable", "")
    assert lxd.facts(None).channel == "5.21/stable"


@pytest.mark.parametrize(("channel", "revision"), [("7/stable", ""), ("6/stable", "999")])
def test_what_the_store_does_not_have_is_for_the_operator(
    store: Snapd, lxd: Snap, channel: str, revision: str
):
    with pytest.raises(ChannelUnknownError):
        lxd.install(channel, revision)
    assert store.installed is None
    assert lxd.facts(None).unfinished


def test_the_change_of_a_busy_snapd_comes_first(store: Snapd, lxd: Snap):
    store.busy = 2

    lxd.install("5.21/stable", "")

    assert store.installed is not None


def test_a_snapd_that_stays_busy_passes(store: Snapd, lxd: Snap, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SNAP_BUSY", -1.0)
    store.busy = 1

    with pytest.raises(SnapError, match="change in progress") as refused:
        lxd.install("5.21/stable", "")
    assert not isinstance(refused.value, ChannelUnknownError)

    lxd.install("5.21/stable", "")
    assert store.installed is not None


def test_an_lxd_that_snapd_has_changed_meanwhile_stays(store: Snapd, lxd: Snap):
    """LXD asks for a refresh by itself. The new one may have opened the database."""
    lxd.install("5.21/stable", "")
    store.busy = 1
    store.meanwhile = lambda: store.lay_out("777", "5.21.9", "5.21/stable")

    with pytest.raises(SnapError, match="has changed LXD meanwhile"):
        lxd.install("6/stable", "")

    assert lxd.facts(None).revision == "777"


def test_a_change_that_fails_says_why(store: Snapd, lxd: Snap):
    store.broken = "cannot mount: no squashfs"

    with pytest.raises(SnapError, match="no squashfs"):
        lxd.install("5.21/stable", "")


def test_an_old_snapd_cannot_hold_and_the_rest_goes_on(store: Snapd, lxd: Snap):
    store.knows_hold = False

    lxd.install("5.21/stable", "")

    assert not lxd.facts(None).unfinished


def test_a_hold_that_failed_is_tried_again(
    store: Snapd, lxd: Snap, monkeypatch: pytest.MonkeyPatch
):
    def fails(*_: str) -> None:
        raise charmlibs_snap.Error("connection refused")

    with monkeypatch.context() as now:
        now.setattr(charmlibs_snap, "hold", fails)
        with pytest.raises(SnapError, match="are not held: connection"):
            lxd.install("5.21/stable", "")
    assert lxd.facts(None).unfinished

    lxd.install("5.21/stable", "350")
    assert store.installed is not None
    assert store.installed.held
    assert not lxd.facts(None).unfinished


def test_without_snapd_it_is_said(lxd: Snap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_client, "_SOCKET_PATH", str(tmp_path / "missing"))

    with pytest.raises(SnapError, match="socket not found"):
        lxd.install("5.21/stable", "")


def test_the_channels_own_revision_has_the_version_that_is_asked_for(store: Snapd, lxd: Snap):
    lxd.install_version("6/stable", "6.9")

    assert store.called == ["install 6/stable 400", "hold"]


@pytest.mark.parametrize(
    ("channel", "has"),
    [("5.21/stable", "LXD 5.21.7"), ("7/stable", "no LXD"), ("6/edge", "LXD git-1234567")],
)
def test_another_version_than_the_clusters_is_not_installed(
    store: Snapd, lxd: Snap, channel: str, has: str
):
    with pytest.raises(ChannelUnknownError, match=f"{channel} has {has}.* the cluster has 6.9"):
        lxd.install_version(channel, "6.9")
    assert store.called == []


@pytest.mark.parametrize(
    ("channel", "follows"),
    [
        ("5.21/candidate", "5.21/stable"),
        ("5.21/beta/fix", "5.21/stable"),
        ("6/edge", "6/edge"),
        ("6/stable/ubuntu-24.04", "6/stable"),
    ],
)
@pytest.mark.usefixtures("store")
def test_a_channel_without_releases_has_the_next_safer_ones(channel: str, follows: str):
    found = snapd.release("lxd", channel)

    assert found is not None
    assert (found.version, found.revision) == RELEASES[follows]


def test_the_channel_is_asked_for_once_while_snapd_changes_nothing(store: Snapd, lxd: Snap):
    store.lay_out("350", "5.21.7", "5.21/stable")
    assert lxd.facts(None).channel == "5.21/stable"
    asked = store.asked

    assert lxd.facts(None).channel == "5.21/stable"
    assert store.asked == asked

    store.lay_out("400", "6.9", "6/stable")
    assert lxd.facts(None).channel == "6/stable"


def test_another_channel_with_the_same_revision_is_noticed(store: Snapd, lxd: Snap):
    """`snap switch`, or `snap refresh --channel` to a channel with the same revision."""
    store.lay_out("350", "5.21.7", "5.21/stable")
    assert lxd.facts(None).channel == "5.21/stable"

    store.switch("5.21/candidate")

    assert lxd.facts(None).channel == "5.21/candidate"


def test_the_channel_stays_known_while_snapd_is_off(
    store: Snapd, lxd: Snap, monkeypatch: pytest.MonkeyPatch
):
    store.lay_out("350", "5.21.7", "5.21/stable")
    assert lxd.facts(None).channel == "5.21/stable"
    store.switch("5.21/candidate")

    with monkeypatch.context() as off:
        off.setattr(snapd, "SOCKET", str(store.folder / "nobody.socket"))
        assert lxd.facts(None).channel == "5.21/stable"

    assert lxd.facts(None).channel == "5.21/candidate"


HOLDS = [
    (True, "2318-11-30T20:00:00.123456789Z", "2.72+ubuntu24.04", True),
    (True, "2026-12-01T20:00:00Z", "2.72", False),
    (False, "", "2.72+ubuntu24.04", False),
    (False, "", "2.57.6-1+b5", True),
]
"""Whether there is a hold, until when, snapd's version, and whether LXD counts as held."""


@pytest.mark.parametrize(("hold", "until", "version", "held"), HOLDS)
def test_a_hold_that_somebody_has_taken_away_is_noticed(
    store: Snapd, lxd: Snap, hold: bool, until: str, version: str, held: bool
):
    """`snap refresh --unhold lxd`, or `--hold=24h`. A snapd before 2.58 has no holds."""
    store.lay_out("350", "5.21.7", "5.21/stable")
    store.version = version
    assert store.installed is not None
    store.installed.held, store.installed.until = hold, until

    assert lxd.facts(None).held is held
    assert lxd.facts(None).held is held


def test_what_the_charm_installs_is_held(store: Snapd, lxd: Snap):
    lxd.install("5.21/stable", "")

    assert lxd.facts(None).held


def test_one_from_a_file_follows_no_channel(store: Snapd, lxd: Snap):
    store.lay_out("x1", "6.9", "")

    assert lxd.facts(None).channel == ""
    assert store.called == []


def test_a_file_that_is_not_a_snap_of_lxd_is_refused(store: Snapd, lxd: Snap, tmp_path: Path):
    path = tmp_path / "file.snap"
    path.write_bytes(b"no squashfs" * 1000)

    with pytest.raises(SnapError, match="is not a snap"):
        lxd.install_file(str(path))
    assert store.called == []
    assert lxd.facts(Resource(str(path), "digest")).offered == "unknown"


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_its_services_start_and_stop(store: Snapd, lxd: Snap, verb: str):
    store.lay_out("350", "5.21.7", "5.21/stable")

    getattr(lxd, verb)()

    assert store.called == [f"apps {verb}"]


@pytest.fixture
def file(store: Snapd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snap of LXD that can be installed, on a snapd that does all that it is asked."""
    file = tmp_path / "lxd.snap"
    file.write_bytes(b"lxd" * 5000)

    def reads(_: Path) -> Meta:
        return Meta("lxd", "6.9")

    def installs(path: str) -> None:
        store.lay_out("x1", "6.9", "")
        (store.socket.parent / "lxd_x1.snap").write_bytes(Path(path).read_bytes())

    def does(*_: object) -> None:
        """It is done."""

    monkeypatch.setattr(snap.snap_file, "read", reads)
    monkeypatch.setattr(snap, "_install_dangerously", installs)
    for change in ("connect", "alias", "hold"):
        monkeypatch.setattr(charmlibs_snap, change, does)
    monkeypatch.setattr(Snap, "reload", does)
    return file


LATER = [
    charmlibs_snap.Error('snap "lxd" has "connect-snap" change in progress'),
    charmlibs_snap.ConnectionError("connection refused"),
    TookTooLong("over 60 s"),
]


@pytest.mark.parametrize("why", LATER, ids=str)
@pytest.mark.parametrize("change", ["connect", "alias"])
def test_what_a_busy_snapd_does_not_give_a_file_is_asked_for_again(
    lxd: Snap, file: Path, change: str, why: Exception, monkeypatch: pytest.MonkeyPatch
):
    def fails(*_: object) -> None:
        raise why

    with monkeypatch.context() as now:
        now.setattr(charmlibs_snap, change, fails)
        with pytest.raises(SnapError):
            lxd.install_file(str(file))
    assert lxd.facts(None).unfinished

    lxd.install_file(str(file))
    assert not lxd.facts(None).unfinished


@pytest.mark.parametrize("change", ["connect", "alias"])
def test_what_snapd_refuses_a_file_for_good_does_not_hinder_it(
    lxd: Snap, file: Path, change: str, monkeypatch: pytest.MonkeyPatch
):
    def refuses(*_: object) -> None:
        raise charmlibs_snap.Error('snap "lxd" has no plug named "system-observe"')

    monkeypatch.setattr(charmlibs_snap, change, refuses)

    lxd.install_file(str(file))

    assert not lxd.facts(None).unfinished


@pytest.mark.parametrize(
    ("version", "needs"),
    [
        ("2.72+ubuntu24.04", "snapd2.75"),
        ("2.75", ""),
        ("2.75.1~rc1", ""),
        ("2.9", "snapd2.75"),
        ("unknown", ""),
    ],
)
def test_a_file_may_need_a_newer_snapd(
    store: Snapd, lxd: Snap, monkeypatch: pytest.MonkeyPatch, version: str, needs: str
):
    store.version = version

    def read(path: Path) -> Meta:
        return Meta("lxd", "6.9", snapd="2.75")

    monkeypatch.setattr(snap.snap_file, "read", read)

    assert lxd.facts(Resource("/new.snap", "digest")).needs_snapd == needs
