# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What a unit notes on its machine's disk: its key, and what it must know after a crash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from host import private_files
from state.facts import Failures, Forming


class UnitNotes:
    """The notes of this unit. Those about LXD outlive the unit."""

    def __init__(self, state: Path, lxd_dir: Path, agents: Path) -> None:
        self._agents = agents
        self._unit = state / "unit"
        self._key = state / "key"
        self._public_key = state / "key.pub"
        self._forming = state / "forming"
        self._failures = state / "failures"
        self._attempt = state / "attempt"
        """A file of its own: an older charm cannot read a note of failures with one more key."""
        self._identity = state / "identity"
        self._units = state / "units"
        self._unresponsive = state / "silence"
        self._attached = state / "attached"
        self._moved_off = state / "moved-off"
        self._own_keys = state / "ovn-keys"
        """A key that an earlier unit wrote is still the charm's, so `begin` keeps this note."""
        self._lxd_dir = lxd_dir
        self._seen: dict[str, str] = {}
        """By path: the identity of the disk when this hook looked at it."""

    def begin(self, unit: str) -> None:
        """Forgets an earlier unit's files here; notes about LXD may still be true.

        For a unit's first hook. Juju may run that hook again.
        """
        if self._noted_unit() == unit or self.neighbour(unit):
            return
        notes = [self._key, self._public_key, self._failures, self._attempt]
        notes += [self._attached, self._unresponsive]
        if not (self._lxd_dir / "database").exists():
            notes += [self._forming, self._identity, self._units, self._moved_off]
        for note in notes:
            note.unlink(missing_ok=True)
        private_files.write(self._unit, unit.encode())

    def take_over(self, unit: str) -> None:
        """Takes over this machine's files when the other unit on it has gone.

        An older charm noted no unit: then the files here are this unit's.
        """
        if self._noted_unit():
            self.begin(unit)

    def neighbour(self, unit: str) -> str:
        """Another unit of this charm that has this machine and its LXD, empty without one."""
        noted_unit = self._noted_unit()
        exists = (self._agents / f"unit-{noted_unit.replace('/', '-')}").exists()
        return noted_unit if noted_unit not in ("", unit) and exists else ""

    def _noted_unit(self) -> str:
        return self._unit.read_text() if self._unit.exists() else ""

    def key(self) -> bytes | None:
        """This unit's private key, None before it was made."""
        return self._key.read_bytes() if self._key.exists() else None

    def public_key(self) -> str:
        """The public half of the key, empty before it was made."""
        return self._public_key.read_text() if self._public_key.exists() else ""

    def keep_key(self, private: bytes, public: str) -> None:
        """Writes the key where only root can read it."""
        private_files.write(self._key, private)
        private_files.write(self._public_key, public.encode())

    def forming(self) -> Forming | None:
        """The bootstrap, join or reset that began here and that this unit has not published yet."""
        if not self._forming.exists():
            return None
        note = json.loads(self._forming.read_text())
        return Forming(note["what"], note["since"], tuple(note.get("devices", ())))

    def note_forming(self, kind: str, now: float, devices: tuple[str, ...]) -> None:
        """Notes a bootstrap, join or reset before it begins, for the hook after a crash."""
        # The identity of the disks is noted once: later another disk may have the same name.
        disks = {device: self._disk(device) for device in devices}
        note = {"what": kind, "since": now, "devices": devices, "disks": disks}
        private_files.write(self._forming, json.dumps(note).encode())

    def _disk(self, device: str) -> str:
        """The identity of a device: from the note when it was empty, else from this hook."""
        note: dict[str, Any] = {}
        if self._forming.exists():
            note = json.loads(self._forming.read_text())
        return str(note.get("disks", {}).get(device, "")) or self._seen.get(device, "")

    def forget_forming(self) -> None:
        """The bootstrap, join or reset is over."""
        self._forming.unlink(missing_ok=True)

    def identity(self) -> str:
        """The identity of the cluster of this machine's LXD, as last observed."""
        return self._identity.read_text().strip() if self._identity.exists() else ""

    def note_identity(self, identity: str) -> None:
        """Notes it; an empty one after LXD has left its cluster."""
        if identity:
            private_files.write(self._identity, identity.encode())
        else:
            self._identity.unlink(missing_ok=True)

    def units(self) -> dict[str, str]:
        """By address: the units whose members had the database when LXD last answered."""
        return json.loads(self._units.read_text()) if self._units.exists() else {}

    def note_units(self, units: Mapping[str, str]) -> None:
        """Notes them."""
        private_files.write(self._units, json.dumps(dict(units), sort_keys=True).encode())

    def unresponsive_since(self) -> float | None:
        """When LXD first stopped answering, in seconds since the epoch. None if it answered."""
        return float(self._unresponsive.read_text()) if self._unresponsive.exists() else None

    def note_unresponsive(self, since: float | None) -> None:
        """Notes it, or with None that LXD answers."""
        if since is None:
            self._unresponsive.unlink(missing_ok=True)
        else:
            private_files.write(self._unresponsive, repr(since).encode())

    def moved_off(self) -> frozenset[str]:
        """Volumes as POOL/VOLUME from which LXD has moved everything, and that are not deleted."""
        text = self._moved_off.read_text() if self._moved_off.exists() else ""
        return frozenset(text.splitlines())

    def note_moved_off(self, volume: str) -> None:
        """Notes one more."""
        self._write_moved_off(self.moved_off() | {volume})

    def forget_moved_off(self, volume: str) -> None:
        """The volume is gone, or LXD is about to use it again."""
        if volume in (noted := self.moved_off()):
            self._write_moved_off(noted - {volume})

    def _write_moved_off(self, volumes: frozenset[str]) -> None:
        private_files.write(self._moved_off, "\n".join(sorted(volumes)).encode())

    def note_own_key(self, key: str) -> None:
        """Notes a key for OVN's database that this charm writes, beside earlier ones."""
        digests = {*self._own_key_digests(), _digest(key)}
        private_files.write(self._own_keys, "\n".join(sorted(digests)).encode())

    def is_own_key(self, key: str) -> bool:
        """Whether this charm wrote that key, and not another charm on the machine."""
        return _digest(key) in self._own_key_digests()

    def _own_key_digests(self) -> list[str]:
        return self._own_keys.read_text().split() if self._own_keys.exists() else []

    def attached(self) -> str | None:
        """The path of the attached snap, from Juju. Empty without one, None if unknown."""
        return self._attached.read_text() if self._attached.exists() else None

    def note_attached(self, path: str | None) -> None:
        """Notes it; None lets the next hook request it from Juju again."""
        if path is None:
            self._attached.unlink(missing_ok=True)
        else:
            private_files.write(self._attached, path.encode())

    def failures(self) -> Failures | None:
        """The number of this unit's failed joins since the last successful one."""
        if not self._failures.exists():
            return None
        noted: dict[str, Any] = json.loads(self._failures.read_text())
        attempt = self._attempt.read_text() if self._attempt.exists() else "0"
        return Failures(noted["count"], noted["last"], int(attempt))

    def note_failure(self, reason: str, next_attempt: int) -> None:
        """One more join has failed."""
        before = self.failures()
        count = before.count + 1 if before else 1
        private_files.write(self._attempt, str(next_attempt).encode())
        private_files.write(self._failures, json.dumps({"count": count, "last": reason}).encode())

    def forget_failures(self) -> None:
        """A join succeeded, or the operator wants another try."""
        self._failures.unlink(missing_ok=True)
        self._attempt.unlink(missing_ok=True)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
