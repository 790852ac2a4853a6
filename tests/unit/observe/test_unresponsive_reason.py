# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Why LXD's daemon ends, from its log."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from observe import unresponsive_reason
from state.unresponsive import Unmountable
from tests.unit.model_units import formed

VOLUME = "fast/lxd-cluster-images"
NESTED = rf'err="Failed to mount images storage: Failed to mount storage volume \"{VOLUME}\": gone"'
LOGS = [
    ("level=info msg=started", None),
    (NESTED, Unmountable("images", VOLUME)),
    (
        'Error: Failed to mount backups storage: Failed to mount storage volume "a/b": gone',
        Unmountable("backups", "a/b"),
    ),
    ("Error: Failed to mount images storage: no such pool", Unmountable("images", "")),
    # LXD 6.9's message, from its source.
    (
        r'err="Failed mounting images storage: Failed mounting storage volume \"a/b\": gone"',
        Unmountable("images", "a/b"),
    ),
    # LXD's messages about a pool that it must change after an upgrade: up to 6.8, and later (from
    # its source).
    (
        r'err="Failed applying patch \"mend\": Unvailable storage pools: [fast slow]"',
        Unmountable("", "", "fast"),
    ),
    (
        r'err="Failed applying patch: Storage pool \"fast\" is unavailable and needs patch',
        Unmountable("", "", "fast"),
    ),
    (
        r'err="Failed loading storage pool \"local\": Required tool \"zpool\" is missing."',
        Unmountable("", "", without_zfs=True),
    ),
    ('msg="Failed loading storage pool" err="Required tool \'zpool\' is missing"', None),
]


ENDS = (
    'time="2026-11-28T23:53:31Z" level=error msg="Failed starting daemon"'
    rf' err="Failed to mount images storage: Failed to mount storage volume \"{VOLUME}\": gone"'
)
"""The log of LXD 5.21.7, which hung for seconds before it ended."""
SAID = datetime(2026, 11, 28, 23, 53, 31, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(("later", "found_in_log"), [(7, True), (3600, False)])
def test_a_daemon_that_hangs_while_it_ends_has_just_said_why(later: float, found_in_log: bool):
    unit = formed(1).units["lxd/0"]
    unit.machine.log = f'{ENDS}\ntime="2026-11-28T23:53:33Z" level=warning msg="Rejecting"'
    ports = replace(unit.ports, clock=lambda: SAID + later)

    found = unresponsive_reason.unmountable_now(ports)

    assert found == (Unmountable("images", VOLUME) if found_in_log else None)


@pytest.mark.parametrize(("log", "expected"), LOGS)
def test_the_log_says_what_lxd_cannot_mount(log: str, expected: Unmountable | None):
    unit = formed(1).units["lxd/0"]
    unit.machine.log = log

    assert unresponsive_reason.unmountable(unit.ports) == expected


EXPIRED = (
    'level=warning msg="Failed to get events from member" err="tls: failed to verify certificate: '
    "x509: certificate has expired or is not yet valid: current time 2026-11-29T07:00:00Z is after "
    '2026-07-01T00:00:00Z"'
)


DAMAGED = (
    'time="2026-11-28T23:53:31Z" level=error msg="Failed to start the daemon" err="Failed to start'
    ' dqlite server: raft_start(): io: {}"'
)
SINCE = '\ntime="2026-11-28T23:53:33Z" level=warning msg="other"' * 4


@pytest.mark.parametrize(
    ("log", "later", "damaged"),
    [
        (DAMAGED.format("closed segment 17-17 is past last snapshot snapshot-1-9-3"), 999, True),
        (DAMAGED.format("load closed segment 1-9: found 8 entries (expected 9)"), 999, True),
        (
            DAMAGED.format("load closed segment 1-9: truncated").replace("to start", "starting"),
            9,
            1,
        ),
        (DAMAGED.format("load segment 1-9") + SINCE, 7, True),
        (DAMAGED.format("load segment 1-9") + SINCE, 3600, False),
        (DAMAGED.format("create probe file: no space left on device"), 7, False),
        ('level=error msg="Failed to start the daemon" err="address already in use"', 7, False),
    ],
)
def test_the_log_says_that_the_copy_of_the_database_is_damaged(
    log: str, later: float, damaged: bool
):
    """Messages of dqlite's source, and of LXD issues 6077 and 13319."""
    unit = formed(1).units["lxd/0"]
    unit.machine.log = log
    ports = replace(unit.ports, clock=lambda: SAID + later)

    assert unresponsive_reason.damaged(ports) == damaged


PATCH = 'Failed applying patch "a": Storage volume not found'
ENDED = 'time="2026-11-28T23:53:31Z" level=error msg="{}" err="{}"'
QUOTED = PATCH.replace('"', '\\"')


@pytest.mark.parametrize(
    ("log", "later", "why"),
    [
        (ENDED.format("Failed to start the daemon", QUOTED), 3600, PATCH),
        (ENDED.format("Failed starting daemon", QUOTED) + "\nError: other", 3600, PATCH),
        (ENDED.format("Failed starting daemon", "old") + SINCE, 3600, ""),
        (ENDED.format("Failed starting daemon", "new") + SINCE, 7, "new"),
        (ENDED.format("Failed starting proxy", "other"), 7, ""),
    ],
)
def test_the_log_says_why_the_daemon_ended_when_it_started(log: str, later: float, why: str):
    """LXD issue 12425."""
    unit = formed(1).units["lxd/0"]
    unit.machine.log = log
    ports = replace(unit.ports, clock=lambda: SAID + later)

    assert unresponsive_reason.start_failure(ports) == why


@pytest.mark.parametrize(
    ("log", "expired"),
    [(EXPIRED, True), (EXPIRED.replace("is after", "is before"), False), ("refused", False)],
)
def test_the_log_says_that_the_certificate_has_expired(log: str, expired: bool):
    unit = formed(1).units["lxd/0"]
    unit.machine.log = log

    assert unresponsive_reason.expired(unit.ports) is expired
