# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The channel that LXD's snap follows, and whether it is held: only snapd knows that."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

from host import snapd
from host.snapd import Followed

logger = logging.getLogger(__name__)
_STATE_OF_SNAPD = Path("/var/lib/snapd/state.json")
"""snapd writes this file with each of its changes (SnapStateFile in its dirs.go)."""
_NONE = "-"
"""The note's word for no channel."""
_HELD, _FREE = "held", "free"


class _Noted(NamedTuple):
    """A note on the disk: an answer of snapd, and when its state was changed last before that."""

    revision: str = ""
    channel: str = ""
    moment: str = ""
    held: str = _HELD

    def followed(self) -> Followed:
        """The answer."""
        return Followed("" if self.channel == _NONE else self.channel, self.held == _HELD)


class FollowedChannel:
    """What LXD follows, and a note about it: most hooks need not ask snapd."""

    def __init__(self, note: Path) -> None:
        self._note = note

    def of(self, revision: str) -> Followed:
        """What an installed revision follows; no channel if that is unknown.

        snapd is asked once after each of its changes: `snap switch` changes the channel alone.
        While snapd does not answer, the last answer counts.
        """
        noted, moment = self._read(revision), _last_change()
        if noted.moment == moment:
            return noted.followed()
        try:
            found = snapd.followed("lxd")
        except snapd.SnapdError as error:
            logger.warning("the channel of LXD is not known: %s", error)
            return noted.followed()
        held = _HELD if found.held else _FREE
        self._note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._note.write_text(f"{revision} {found.channel or _NONE} {moment} {held}\n")
        return found

    def _read(self, revision: str) -> _Noted:
        """What was noted about a revision. A note of an older charm has no moment."""
        noted = _Noted(*self._note.read_text().split()[:4]) if self._note.exists() else _Noted()
        return noted if noted.revision == revision else _Noted()

    def forget(self) -> None:
        """The next answer is snapd's."""
        self._note.unlink(missing_ok=True)


def _last_change() -> str:
    """The moment of snapd's last change, as one word."""
    try:
        return str(_STATE_OF_SNAPD.stat().st_mtime_ns)
    except OSError:
        return "unknown"
