# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Versions of LXD: which may be installed, and which members wait for others.

All members of a cluster run one version. A newer one changes the database, and an older one can no
longer open it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from state.cluster import ClusterView
from state.facts import SnapFacts
from state.peers import UnitData
from state.view import Peers, View
from steps.install import InstallSnap, InstallSnapFile, InstallSnapVersion
from steps.plan import Step
from values import architectures, snapd_errors
from values.lxd_versions import number, ordered, same, shown
from values.numbers import whole
from values.status import Status, StatusText, blocked, names, waiting


def of_members(peers: Peers) -> dict[str, str]:
    """By unit: the version that each member has installed, or was last seen to run."""
    versions = {unit: d.package or d.lxd for unit, d in peers.others.items() if d.cluster}
    return {unit: version for unit, version in versions.items() if version}


def running(view: View) -> str:
    """The version of the LXD that has opened the database here: the present one, or the last one.

    Empty if LXD was removed from a machine that is in no cluster: its database is gone, too.
    """
    if isinstance(view.lxd, ClusterView):
        return view.lxd.server.version
    if view.peers is None or not (view.snap.installed or view.peers.own.cluster):
        return ""
    return view.peers.own.lxd


def refused_file(view: View) -> Status | None:
    """Why the attached file must not be installed. Nothing was changed."""
    snap = view.snap
    if not architectures.suits(snap.architectures, view.arch):
        return blocked(
            f"the attached LXD is for {names(snap.architectures)}, this machine is "
            f"{architectures.of_snaps(view.arch)}: attach another"
        )
    if snap.needs_snapd:
        return blocked(snapd_errors.too_old(snap.needs_snapd))
    offered = snap.offered
    opened = _opened(view)
    if not offered or not opened:
        return None
    newest = max(opened, key=lambda unit: ordered(opened[unit]))
    place = "here" if newest == view.unit else f"on {newest}"
    if not number(offered):
        return blocked(
            f"the attached snap has version {offered}, LXD {number(opened[newest])} {place}: "
            "attach a release"
        )
    if ordered(offered) < ordered(opened[newest]):
        return blocked(
            f"the attached LXD {number(offered)} is older than {number(opened[newest])} {place}: "
            "attach a newer one"
        )
    return None


def _opened(view: View) -> dict[str, str]:
    """By unit: the version that has opened a database, the cluster's or its own.

    A member's installed LXD may have opened it and not answered yet: somebody has refreshed it.
    """
    versions = {view.unit: running(view)}
    if view.peers is not None:
        versions |= {unit: d.lxd for unit, d in view.peers.others.items() if d.cluster}
    member = view.peers is not None and bool(view.peers.own.cluster)
    if member and ordered(view.snap.version) > ordered(versions[view.unit]):
        versions[view.unit] = view.snap.version
    return {unit: version for unit, version in versions.items() if number(version)}


def first_install(view: View) -> tuple[Status, Step | None]:
    """How to install LXD from the store on a machine without one: the cluster's version.

    A newer LXD could not be replaced by that version later: its own database would be newer, too.
    """
    option = InstallSnap(view.options.snap_channel)
    versions = of_members(view.peers) if view.peers else {}
    if view.peers is None or not versions:
        return waiting("for the LXD snap"), option
    if len({ordered(version) for version in versions.values()}) > 1:
        return waiting(
            f"to install LXD until all members have one version: {_listed(versions)}"
        ), None
    members = {unit: view.peers.others[unit] for unit in versions}
    version = number(next(iter(versions.values())))
    if _are_of_files(members):
        return blocked(
            f"LXD {version} of the members is from a file: attach that file as lxd-snap"
        ), None
    return waiting("for the LXD snap"), _of_members(members, version, view.arch, option)


def _of_members(
    members: Mapping[str, UnitData], version: str, arch: str, option: InstallSnap
) -> Step:
    """Installs the members' revision, or their version where revisions differ by architecture."""
    channel, alike = _channel(members) or option.channel, _revisions(members, arch)
    if len(alike) == 1:
        return InstallSnap(channel, alike.pop())
    return InstallSnapVersion(channel, version) if version else option


def follows_store(view: View) -> bool:
    """Whether this unit installs the LXD that the members have from the store, and joins with it.

    The members have not exchanged it for the attached file yet. They may wait for a leaving member,
    which may wait for a new member. After the join this unit exchanges its LXD with the others.
    """
    if view.peers is None or view.peers.own.cluster or refused_file(view) is not None:
        return False
    members = {unit: d for unit, d in view.peers.others.items() if d.cluster}
    versions = {ordered(version) for version in of_members(view.peers).values()}
    alike = len(versions) == 1 and len(_revisions(members, view.arch)) == 1
    return alike and not _are_of_files(members)


def _revisions(members: Mapping[str, UnitData], arch: str) -> set[str]:
    """Revisions of the store's snap on members of this architecture, where known."""
    return {d.revision for d in members.values() if d.revision and d.arch in ("", arch)}


def _channel(members: Mapping[str, UnitData]) -> str:
    """The first known channel of the members' snaps, empty if none is known."""
    return next((d.channel for d in members.values() if d.channel), "")


def _are_of_files(members: Mapping[str, UnitData]) -> bool:
    """Whether some member's snap is from a file."""
    return any(d.revision.startswith("x") for d in members.values())


def goes_back(view: View) -> bool:
    """Whether the LXD to install is too old for the database here. The unit is in no cluster."""
    installed = view.snap.version
    if not number(installed):
        return False
    if view.resource is not None and not follows_store(view):
        return bool(view.snap.offered) and _is_before(view.snap.offered, installed)
    versions = set(of_members(view.peers).values()) if view.peers else set[str]()
    if versions:
        return all(_is_before(version, installed) for version in versions)
    track = ordered_track(view.options.snap_channel)
    return view.snap.foreign and track < ordered(installed)[: len(track)]


def _is_before(version: str, here: str) -> bool:
    """Whether `version` is an earlier release. Going back may fail, even within a series."""
    return bool(number(version)) and ordered(version) < ordered(here)


def ordered_track(channel: str) -> tuple[int, ...]:
    """The track of a channel for comparison with versions; `latest` is later than all."""
    track = channel.partition("/")[0]
    numbers = [n for n in map(whole, track.split(".")) if n is not None]
    return tuple(numbers) if len(numbers) == len(track.split(".")) else (sys.maxsize,)


def is_older_than_it_ran(view: View) -> bool:
    """Whether a member's installed LXD is older than the one that it ran last."""
    ran = view.peers.own.lxd if view.peers else ""
    installed = view.snap.version
    return bool(number(installed) and number(ran)) and ordered(installed) < ordered(ran)


def is_newer_than_it_ran(view: View) -> bool:
    """Whether the attached file has a later LXD than the one that this member ran last."""
    ran = view.peers.own.lxd if view.peers else ""
    offered = view.snap.offered
    return bool(number(offered) and number(ran)) and ordered(offered) > ordered(ran)


def as_it_ran(view: View) -> tuple[Status, Step | None]:
    """How a member gets its last LXD back: the version of the other members."""
    if view.peers is None:
        return waiting("for the peer relation"), None
    own = view.peers.own
    back = f"to install LXD {number(own.lxd)} again instead of {number(view.snap.version)}"
    if view.resource is not None and same(view.snap.offered, own.lxd):
        return waiting(back), InstallSnapFile(view.resource.path)
    others = {u: d for u, d in view.peers.others.items() if d.cluster and same(d.package, own.lxd)}
    if own.revision.startswith("x") or _are_of_files(others):
        return blocked(
            f"LXD was {number(own.lxd)} from a file: attach that file as lxd-snap again"
        ), None
    return waiting(back), _install_last(view, own, others)


def _install_last(view: View, own: UnitData, others: Mapping[str, UnitData]) -> Step:
    """Installs the LXD that a member ran last. `others` are the members that run that version."""
    channel = _channel(others) or own.channel or view.options.snap_channel
    alike = _revisions(others, view.arch)
    if len(alike) == 1:
        return InstallSnap(channel, alike.pop())
    if own.revision not in ("", view.snap.revision):
        return InstallSnap(channel, own.revision)
    return InstallSnapVersion(view.options.snap_channel, number(own.lxd))


def before_join(view: View, lxd: ClusterView, peers: Peers) -> Step | None:
    """How an LXD outside the cluster becomes the cluster's version.

    None if it is that version, if it cannot become it, or if the version is unknown.
    """
    if view.resource or peers.own.cluster:
        return None
    members = _members(peers)
    if not _may_become_theirs(lxd, members):
        return None
    channel = _channel(members) or view.options.snap_channel
    alike = _revisions(members, view.arch)
    if len(alike) == 1:
        return _install_revision(view, channel, next(iter(alike)))
    version = number(next(iter(members.values())).lxd)
    if alike or same(version, lxd.server.version) or view.snap.revision.startswith("x"):
        return None
    return InstallSnapVersion(channel, version)


def _members(peers: Peers) -> dict[str, UnitData]:
    """The members that have said which LXD they run."""
    return {unit: d for unit, d in peers.others.items() if d.cluster and d.lxd}


def _may_become_theirs(lxd: ClusterView, members: Mapping[str, UnitData]) -> bool:
    """Whether the members run one version, and LXD here is not newer."""
    versions = {ordered(d.lxd) for d in members.values()}
    return len(versions) == 1 and ordered(lxd.server.version) <= next(iter(versions))


def _install_revision(view: View, channel: str, revision: str) -> InstallSnap | None:
    """Installs a revision of the store's snap, None if it is here or is from a file."""
    differs = revision != view.snap.revision and not revision.startswith("x")
    return InstallSnap(channel, revision) if differs else None


def mismatch(view: View, lxd: ClusterView, peers: Peers) -> Status | None:
    """Why a unit cannot join while LXD here has another version than the cluster's."""
    installed = lxd.server.version
    versions = [d.lxd for d in _members(peers).values()]
    if not versions or installed in versions:
        return None
    newest = max(versions, key=ordered)
    if ordered(installed) > ordered(newest) and view.resource is not None:
        if any(same(version, installed) for version in of_members(peers).values()):
            return waiting(f"for LXD {number(installed)} on all members")
        # They may wait for a leaving member, which may wait for a new member.
        return waiting(
            f"for LXD {number(installed)} on the members, or attach LXD {number(newest)} again"
        )
    if ordered(installed) > ordered(newest):
        return blocked(
            f"LXD {installed} here is newer than {newest} in the cluster: remove this unit, or "
            "upgrade"
        )
    return blocked(f"LXD is {installed} here, {newest} in the cluster: give all units one version")


def waits_for(view: View, peers: Peers) -> Status:
    """What a member waits for if its version differs from others'."""
    others = of_members(peers)
    installed = view.snap.version

    def those(differ_so: Callable[[str], bool]) -> dict[str, str]:
        return {unit: version for unit, version in others.items() if differ_so(version)}

    if unordered := those(lambda version: _differ_without_order(version, installed)):
        # It is unknown which of them is newer.
        here = f"this member has {shown(installed)}"
        return waiting(f"for one LXD on all members: {_listed(unordered)}, {here}")
    if older := those(lambda version: ordered(version) < ordered(installed)):
        return waiting(f"for LXD {number(installed)} on {_listed(older)}")
    if newer := those(lambda version: ordered(version) > ordered(installed)):
        return waiting(f"for the LXD of {_listed(newer)}: this member has {number(installed)}")
    unequal = [unit for unit in others if differ(view.snap, peers.own, peers.others[unit])]
    members = names(unequal) if unequal else "all members"
    return waiting(f"for the same LXD snap on {members}")


def several_versions(lxd: ClusterView) -> Status | None:
    """Waiting while LXD says that its members have several versions."""
    if not any(m.blocked for m in lxd.members):
        return None
    newer = [m.name for m in lxd.members if m.newer]
    if not newer:
        return waiting("for one LXD on all members")
    return waiting(f"for one LXD on all members: {names(newer)} has a newer one")


def waits_for_member_without_unit(view: View, peers: Peers) -> Status | None:
    """Blocked if LXD waits for a member although all units' members have its version.

    LXD waits for each member in its database, also for a dead one (`checkClusterIsUpgradable` in
    its open.go, 5.0 to 6.9), and no daemon answers that could remove the member.
    """
    installed = view.snap.version
    alike = all(same(version, installed) for version in of_members(peers).values())
    if not alike or any(
        differ(view.snap, peers.own, d) for d in peers.others.values() if d.cluster
    ):
        return None
    return blocked(
        f"LXD {number(installed)} waits for a member without a unit; docs: How to recover"
    )


def is_behind(view: View, peers: Peers) -> bool:
    """Whether members have answered with a later LXD than the one here."""
    here = ordered(view.snap.version)
    later = (ordered(d.lxd) for d in peers.others.values() if d.cluster)
    return bool(here) and any(version > here for version in later)


def _differ_without_order(first: str, second: str) -> bool:
    """Whether two versions differ and one of them is a build between releases."""
    return first != second and bool(first and second) and not (number(first) and number(second))


def differ(snap: SnapFacts, own: UnitData, other: UnitData) -> bool:
    """Whether another unit has another snap than this one has now."""
    if snap.version and other.package and not same(snap.version, other.package):
        return True
    # Each machine counts revisions of local files itself: their content decides.
    if own.snap or other.snap or snap.revision.startswith("x") or other.revision.startswith("x"):
        return own.snap != other.snap
    if own.arch != other.arch:
        return False
    return snap.revision != other.revision


def _listed(versions: Mapping[str, str]) -> str:
    """`lxd/0 (5.21.7)`."""
    return names(f"{unit} ({shown(version)})" for unit, version in versions.items())


def warning(view: View) -> StatusText:
    """What an operator should know about the snap of a healthy member, empty if nothing.

    Without a hold snapd refreshes each member at another time. The first one waits for the others
    if the release differs.
    """
    if not view.snap.held:
        return "LXD is not held: snap refresh --hold lxd"
    return _not_followed(view)


def _not_followed(view: View) -> StatusText:
    """The message if the option names another channel than LXD's, empty if it does not."""
    here = view.snap.channel
    if not here or view.resource or here == view.options.snap_channel:
        return ""
    return f"set snap-channel={here} again: LXD follows that channel"
