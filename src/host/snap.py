# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The LXD snap: the charm finds its state on the disk, and changes it through snapd."""

from __future__ import annotations

import hashlib
import logging
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import deadlines
from host import snap_file, snapd
from host.machine import LXD_DIR, STATE
from host.snap_channel import FollowedChannel
from host.snapd import Followed
from host.time_limit import TookTooLong, within
from state.facts import Resource, SnapFacts
from values import lxd_versions, snapd_errors
from values.status import StatusText

logger = logging.getLogger(__name__)

_SNAP = "/usr/bin/snap"
_CURRENT = Path("/snap/lxd/current")
_LXD_DIR = LXD_DIR
_FILES = Path("/var/lib/snapd/snaps")
_DEB_UNITS = (Path("/lib/systemd/system/lxd.service"), Path("/usr/lib/systemd/system/lxd.service"))
_META = Path("meta/snap.yaml")
_FILE = re.compile(r"lxd_x?[0-9]+\.snap")
"""snapd's name for a revision of LXD. A second LXD beside it, lxd_NAME, has others."""
_NOTHING = snap_file.Meta("", "")
_HEAD, _TAIL = 4096, 65536
_CANNOT_HOLD = re.compile(r"unknown (action|operation)", re.IGNORECASE)
"""The refusal of a snapd that does not know holds."""
_BUSY = re.compile(r"changes? in progress")
"""The refusal of a snapd that still works on the same snap."""
_TICK = 2.0
"""Seconds between two checks whether such work has ended."""
_PLUGS = ("lxd-support", "network-control", "system-observe")


class SnapError(Exception):
    """snapd refused a request or failed, with its error."""


class ChannelUnknownError(SnapError):
    """The store has no such channel of LXD, or the channel does not have that version."""


class OperatorNeededError(SnapError):
    """snapd refuses a request until an operator acts. The message says how."""


def _refusal(error: str, channel: str = "") -> SnapError:
    """The error for a refusal of snapd: one that an operator must cure, or that may pass."""
    cure = snapd_errors.cure(error, channel)
    return OperatorNeededError(cure) if cure else SnapError(error)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def _changing() -> bool:
    """Whether snapd works on LXD.

    An answer that cannot be read counts as yes: a later one may be readable.
    """
    try:
        return snapd.is_changing("lxd")
    except snapd.SnapdError as error:
        logger.warning("what snapd does with LXD is not known: %s", error)
        return True


def resource(path: Path | None) -> Resource | None:
    """The attached snap. An empty file means that none is attached."""
    if path is None or path.stat().st_size == 0:
        return None
    return Resource(str(path), _digest(path))


def _digest(path: Path) -> str:
    """Distinguishes two snap files without reading all of them in every hook.

    A squashfs has its time, size and table positions at its start, and the tables of all its files
    at its end.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    return hashlib.sha256(b"%d:" % size + head + tail).hexdigest()[:16]


def _is_file_of(revision: str, wanted: Resource) -> bool:
    """Whether an installed revision is from this attached file."""
    file = _FILES / f"lxd_{revision}.snap"
    return file.exists() and _digest(file) == wanted.digest


class Snap:
    """The LXD snap on this machine."""

    def __init__(self, state: Path = STATE) -> None:
        # A note says that the steps after an installation are due: the disk does not show that.
        self._installing = state / "installing"
        self._channel = FollowedChannel(state / "channel")
        self._ours = state / "revision"

    def facts(self, wanted: Resource | None) -> SnapFacts:
        """What is installed, and whether it is the attached file."""
        installed = _CURRENT.exists()
        revision = _revision()
        disabled = not installed and any(map(_FILE.fullmatch, _names(_FILES)))
        to_install = None if wanted is None or _is_file_of(revision, wanted) else wanted
        offered = _offered(to_install) if to_install else _NOTHING
        followed = self._followed(revision)
        return SnapFacts(
            snapd=Path(_SNAP).exists(),
            deb=any(unit.exists() for unit in _DEB_UNITS),
            installed=installed,
            revision=revision,
            version=_version(_CURRENT / _META),
            channel=followed.channel,
            held=followed.held,
            offered=offered.version,
            architectures=offered.architectures,
            needs_snapd=_lacking_snapd(offered.snapd),
            same_as_resource=to_install is None,
            foreign=installed and revision != self._installed_by_us(),
            disabled=disabled,
            changing=disabled and _changing(),
            untouched=(installed or disabled) and not (_LXD_DIR / "database").exists(),
            unfinished=self._installing.exists(),
        )

    def _followed(self, revision: str) -> Followed:
        """The channel of a snap from the store; a file follows none."""
        return self._channel.of(revision) if _is_from_store(revision) else Followed()

    def _installed_by_us(self) -> str:
        """The revision that this charm installed last, empty if it has installed none."""
        return self._ours.read_text() if self._ours.exists() else ""

    def install(self, channel: str, revision: str) -> None:
        """LXD from the store. Raises SnapError, ChannelUnknownError."""
        from charmlibs import snap

        self._begin()
        self._channel.forget()
        # A snap that came with the machine may be old, although it is from this channel.
        preinstalled = not self._installed_by_us()

        def install() -> None:
            try:
                with within(deadlines.SNAP):
                    snap.ensure_installed(
                        "lxd", channel, revision=revision or None, update=preinstalled
                    )
            except (snap.ChannelNotAvailableError, snap.RevisionNotAvailableError) as error:
                raise ChannelUnknownError(str(error)) from error
            except (snap.Error, TookTooLong) as error:
                raise _refusal(str(error), channel) from error

        _when_idle(install)
        self._end()

    def install_version(self, channel: str, version: str) -> None:
        """The LXD of that version, if the channel has it for this machine's architecture.

        Raises SnapError, ChannelUnknownError.
        """
        try:
            release = snapd.release("lxd", channel)
        except snapd.SnapdError as error:
            raise SnapError(str(error)) from error
        if release is None or not lxd_versions.same(release.version, version):
            offer = f"LXD {lxd_versions.shown(release.version)}" if release else "no LXD"
            raise ChannelUnknownError(f"{channel} has {offer} here, the cluster has {version}")
        self.install(channel, release.revision)

    def install_file(self, path: str) -> None:
        """LXD from a local file. Raises SnapError."""
        if why := _why_not_lxd(path):
            raise OperatorNeededError(why)
        fresh = not _CURRENT.exists() or self._installing.exists()
        self._begin()
        if not self.facts(resource(Path(path))).same_as_resource:
            _when_idle(partial(_install_dangerously, path))
        connected = _connect()
        if fresh and connected:
            # The daemon started without the rights of the plugs.
            self.reload()
        self._end()

    def remove(self) -> None:
        """Removes LXD with everything in it. Raises SnapError."""
        from charmlibs import snap

        try:
            with within(deadlines.SNAP):
                snap.remove("lxd", purge=True)
        except (snap.Error, TookTooLong) as error:
            raise SnapError(str(error)) from error
        self._channel.forget()
        for note in (self._installing, self._ours):
            note.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._installing.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._installing.touch()

    def _end(self) -> None:
        """Holds what is installed, and notes it as this charm's choice. Raises SnapError."""
        if not _CURRENT.exists():
            raise SnapError("the LXD snap is disabled")
        _hold()
        self._ours.write_text(_revision())
        self._installing.unlink()

    def stop(self) -> None:
        """Stops LXD's daemon and all its instances, for up to 540 s. Raises SnapError."""
        self._service("stop")

    def start(self) -> None:
        """Starts LXD's daemon. Raises SnapError.

        Right after the daemon was killed systemd may say that the start failed: once in some
        hundred times (measured).
        """
        import tenacity

        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(3),
            wait=tenacity.wait_fixed(2.0),
            retry=tenacity.retry_if_exception_type(SnapError),
            reraise=True,
        )
        attempts(self._service, "start")

    def reload(self) -> None:
        """Restarts LXD's daemon; instances keep running. Raises SnapError.

        A plain restart of the real snap shuts all instances down first.
        """
        try:
            _run([_SNAP, "restart", "--reload", "lxd"], deadlines.COMMAND)
        except SnapError as error:
            # Right after an installation only LXD's socket is active (LXD issue 13793).
            if "not active" not in str(error):
                raise
            self.start()

    def _service(self, verb: str) -> None:
        from charmlibs import snap

        # LXD shuts its instances down before it ends.
        act, seconds = {
            "start": (snap.start, deadlines.COMMAND),
            "stop": (snap.stop, deadlines.SNAP),
        }[verb]
        try:
            with within(seconds):
                act("lxd")
        except (snap.Error, TookTooLong) as error:
            raise SnapError(str(error)) from error


def _is_from_store(revision: str) -> bool:
    """Whether LXD is installed, and from the store: a local file follows no channel."""
    return bool(revision) and not revision.startswith("x")


def _why_not_lxd(path: str) -> StatusText:
    """Why the file is not LXD's snap, empty if it is."""
    try:
        name = snap_file.read(Path(path)).name
    except snap_file.SnapFileError as error:
        return f"the attached file is not a snap: {error}"
    return "" if name == "lxd" else f"the attached file is the snap {name}, not LXD: attach another"


def _version(meta: Path) -> str:
    return snap_file.parse(meta.read_text()).version if meta.exists() else ""


def _offered(file: Resource) -> snap_file.Meta:
    """The attached file's metadata. The version of an unreadable file is equal to no other."""
    try:
        meta = snap_file.read(Path(file.path))
    except snap_file.SnapFileError as error:
        logger.warning("the attached snap cannot be read: %s", error)
        meta = _NOTHING
    return replace(meta, version=meta.version or lxd_versions.UNKNOWN)


def _lacking_snapd(version: str) -> str:
    """The snapd that a file needs, in snapd's words, empty if the present one will do."""
    return f"snapd{version}" if version and snapd.is_older_than(version) else ""


def _when_idle(change: Callable[[], None]) -> None:
    """Makes a change of LXD's snap, after one that snapd makes at this moment. Raises SnapError.

    If that one has exchanged LXD, nothing more is changed: the new LXD may have opened the database
    already, so the unit plans again.
    """
    before = _revision()
    deadline = time.monotonic() + deadlines.SNAP_BUSY
    while True:
        try:
            return change()
        except SnapError as error:
            if not _BUSY.search(str(error)) or time.monotonic() > deadline:
                raise
        time.sleep(_TICK)
        while _changing() and time.monotonic() < deadline:
            time.sleep(_TICK)
        if _revision() != before:
            raise SnapError("snapd has changed LXD meanwhile")


def _revision() -> str:
    """The installed revision, empty for none."""
    return _CURRENT.resolve().name if _CURRENT.exists() else ""


def _install_dangerously(path: str) -> None:
    # snapd ignores --classic for a confined snap.
    _run([_SNAP, "install", "--dangerous", "--classic", path], deadlines.SNAP)


def _run(command: list[str], seconds: float) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds)
    except subprocess.CalledProcessError as error:
        raise _refusal(error.stderr.strip().removeprefix("error: ")) from error
    except subprocess.TimeoutExpired as error:
        raise SnapError(f"did not end within {seconds:.0f} s") from error


def _connect() -> int:
    """Connects plugs, and returns their number. Raises SnapError if snapd may do it later.

    A local file does not get what the store's assertions do for LXD: plugs and the name `lxc`.
    """
    from charmlibs import snap

    requests = [partial(snap.connect, ("lxd", plug)) for plug in _PLUGS]
    connected = sum(_granted(request) for request in requests)
    if not _granted(partial(snap.alias, "lxd", "lxc", "lxc")):
        logger.warning("no alias lxc for lxd.lxc")
    return connected


def _granted(request: Callable[[], object]) -> bool:
    """Whether snapd granted a request for the installed file. False if it refused permanently.

    Raises SnapError if it may do it later: the installation stays unfinished and is continued.
    """
    from charmlibs import snap

    try:
        with within(deadlines.COMMAND):
            request()
    except (snap.ConnectionError, snap.TimeoutError, TookTooLong) as error:
        raise SnapError(str(error)) from error
    except snap.Error as error:
        if _BUSY.search(str(error)):
            raise SnapError(str(error)) from error
        logger.info("snap lxd: %s", error)
        return False
    return True


def _hold() -> None:
    from charmlibs import snap

    try:
        with within(deadlines.COMMAND):
            snap.hold("lxd")
    except (snap.Error, TookTooLong) as error:
        if not _CANNOT_HOLD.search(str(error)):
            # The installation stays unfinished and is continued later: without a hold this member
            # alone would be refreshed one day.
            raise SnapError(f"refreshes of LXD are not held: {error}") from error
        # snapd before 2.58 cannot do it. The charm notices members with different versions in any
        # case.
        logger.warning("refreshes of LXD are not held: %s", error)
