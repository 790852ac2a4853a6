# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The channel that LXD's snap follows, which only snapd knows."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

from host import snapd

logger = logging.getLogger(__name__)
_STATE_OF_SNAPD = Path("/var/lib/snapd/state.json")
"""snapd writes this file with each of its changes (SnapStateFile in its dirs.go)."""
_NONE = "-"
"""The note's word for no channel."""


class _Noted(NamedTuple):
    """A note on the disk: an answer of snapd, and when its state was changed last before that."""

    revision: str = ""
    channel: str = ""
    moment: str = ""


class FollowedChannel:
    """The channel, and a note about it: most hooks need not ask snapd."""

    def __init__(self, note: Path) -> None:
        self._note = note

    def of(self, revision: str) -> str:
        """The channel that an installed revision follows, empty for none, or if it is unknown.

        snapd is asked once after each of its changes: `snap switch` changes the channel alone.
        While snapd does not answer, the last answer counts.
        """
        noted, moment = self._read(revision), _last_change()
        if noted.moment == moment:
            return noted.channel
        try:
            channel = snapd.tracking("lxd")
        except snapd.SnapdError as error:
            logger.warning("the channel of LXD is not known: %s", error)
            return noted.channel
        self._note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._note.write_text(f"{revision} {channel or _NONE} {moment}\n")
        return channel

    def _read(self, revision: str) -> _Noted:
        """What was noted about a revision. A note of an older charm has no moment."""
        noted = _Noted(*self._note.read_text().split()[:3]) if self._note.exists() else _Noted()
        if noted.revision != revision:
            return _Noted()
        return noted._replace(channel="") if noted.channel == _NONE else noted

    def forget(self) -> None:
        """The next answer is snapd's."""
        self._note.unlink(missing_ok=True)


def _last_change() -> str:
    """The moment of snapd's last change, as one word."""
    try:
        return str(_STATE_OF_SNAPD.stat().st_mtime_ns)
    except OSError:
        return "unknown"
