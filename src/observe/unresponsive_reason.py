# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Why LXD does not answer, derived from what it still answers."""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime

import deadlines
from lxd.errors import LxdUnreachable
from ports.ports import Ports
from state.unresponsive import Unmountable, UnresponsiveReason

_LAST_LINES = 3
"""The number of lines that a daemon writes to its log when it ends."""
_UNREGISTERED = "No node registered with address"
"""The log message of a daemon that does not start because its join was interrupted."""
_WAITS_FOR_VERSIONS = ("Wait for other cluster nodes", "Wait for other cluster members")
"""The start of the log message of an LXD that waits for the others' version: 5.0, later ones."""
_EXPIRED = re.compile(r"certificate has expired or is not yet valid: current time \S+ is after")
"""Go's message in the log of a daemon that rejects another member's expired certificate."""
_UNMOUNTABLE = re.compile(
    r"Failed (?:to mount|mounting) (images|backups) storage"
    r'(?:: Failed (?:to mount|mounting) storage volume \\?"([^"\\]+)\\?")?'
    r"|Unvailable storage pools: \[([^\]\s]+)"
    r'|Storage pool \\*"([^"\\]+)\\*" is unavailable and needs patch'
    r'|Failed loading storage pool \\*"[^"\\]+\\*": Required tool [^\w]*(zpool)'
)
"""The log message of a daemon that ends because a volume for its own use is gone, or a pool that it
has to change after an upgrade: up to 6.8 any pool of this member, later one that really needs a
change, and always one on zfs if there are no tools for it (LXD's source; the log has quotes within
quotes).
"""

_DAMAGED = re.compile(
    r"Failed (?:to start|starting) dqlite server: raft_start\(\): io: .*"
    r"(?:segment|snapshot|last entry on disk)"
)
"""The log message of a daemon that ends because dqlite cannot load the files of its Raft log.

From LXD's gateway.go (5.0 to 6.9), and dqlite's uv.c and uv_segment.c. Its other messages here, for
example about a full disk, do not mean damage.
"""

_ENDED = re.compile(r'msg="Failed (?:to start|starting)(?: the)? daemon" err="((?:[^"\\]|\\.)+)"')
"""The log message of a daemon that ends when it starts: LXD's daemon.go, later main_daemon.go."""

_STAMP = re.compile(r'time="(\d{4}-\d\d-\d\dT[^"]+)"')
"""The time of a line of LXD's log."""


def unmountable(ports: Ports) -> Unmountable | None:
    """What prevents the start of LXD's daemon, from its last message about it.

    systemd starts it again and again: at one moment it starts, at the next it has ended.
    """
    matches = list(_UNMOUNTABLE.finditer(ports.machine.lxd_log()))
    return _volume(matches[-1]) if matches else None


def unmountable_now(ports: Ports) -> Unmountable | None:
    """The same for a daemon that hangs for a moment while it ends, as LXD 5.21 does (measured).

    Its log must be recent: an old message does not explain a daemon that hangs now.
    """
    for line in reversed(ports.machine.lxd_log().splitlines()):
        match = _UNMOUNTABLE.search(line)
        if match and _STAMP.search(line):
            return _volume(match) if _is_recent(line, ports) else None
    return None


def _is_recent(line: str, ports: Ports) -> bool:
    """Whether a line of the log is of the daemon's last start, or of the one before."""
    stamp = _STAMP.search(line)
    if stamp is None:
        return False
    logged = datetime.fromisoformat(stamp[1].replace("Z", "+00:00")).timestamp()
    return ports.clock() - logged <= deadlines.STARTS_AGAIN


def damaged(ports: Ports) -> bool:
    """Whether the daemon has just ended because it cannot load its copy of the database.

    It is the last message of such a daemon. One that systemd starts again logs other warnings
    first: then the message must be recent, because the copy may have been mended since.
    """
    return _last_message(_DAMAGED, ports) is not None


def start_failure(ports: Ports) -> str:
    """LXD's error with which the daemon has just ended when it started, empty if there is none."""
    match = _last_message(_ENDED, ports)
    return match[1].replace('\\"', '"') if match else ""


def _last_message(pattern: re.Pattern[str], ports: Ports) -> re.Match[str] | None:
    """The last match among the messages with which the daemon ended."""
    lines = ports.machine.lxd_log().splitlines()
    last = len(lines) - _LAST_LINES
    recent = (
        match
        for number, line in enumerate(lines)
        if (match := pattern.search(line)) and (number >= last or _is_recent(line, ports))
    )
    return next(iter(deque(recent, maxlen=1)), None)


def expired(ports: Ports) -> bool:
    """Whether the cluster's certificate has expired, by the end of the daemon's log.

    Then members reject each other's connections, and the database has no leader (LXD issue 16690).
    """
    return _EXPIRED.search(ports.machine.lxd_log()) is not None


def _volume(match: re.Match[str]) -> Unmountable:
    pool = match[3] or match[4] or ""
    return Unmountable(match[1] or "", match[2] or "", pool, without_zfs=bool(match[5]))


def of_stopped(ports: Ports) -> UnresponsiveReason:
    """Why no daemon listens. Only the log shows a join that was interrupted."""
    if ports.database.recovering():
        return UnresponsiveReason.RECOVERY_INTERRUPTED
    forming = ports.machine.forming()
    joined = forming is not None and forming.what == "join"
    half = joined and _UNREGISTERED in ports.machine.lxd_log()
    return UnresponsiveReason.HALF_JOINED if half else UnresponsiveReason.STOPPED


def of_failed(address: str, ports: Ports) -> UnresponsiveReason:
    """Why a daemon that listens failed a request. `address` is its member's, empty for none.

    One refused request does not count as no answer.
    """
    try:
        ready = ports.lxd.server.ready()
    except LxdUnreachable:
        return _hung(address, ports)
    if not ready:
        waits = any(text in ports.machine.lxd_log() for text in _WAITS_FOR_VERSIONS)
        return UnresponsiveReason.OTHER_VERSIONS if waits else UnresponsiveReason.STARTING
    if not ports.lxd.server.answers_at_all():
        return _hung(address, ports)
    return (
        UnresponsiveReason.REFUSED
        if ports.lxd.server.database_answers()
        else UnresponsiveReason.NO_DATABASE
    )


def _hung(address: str, ports: Ports) -> UnresponsiveReason:
    """A client that connects and sends nothing blocks all later ones at LXD's socket.

    LXD looks at the first bytes of each connection before it accepts the next (LXD issue 18705).
    Its network port still answers then.
    """
    blocked = address and ports.lxd.members.shows_certificate(address)
    return UnresponsiveReason.SOCKET_BLOCKED if blocked else UnresponsiveReason.HUNG
