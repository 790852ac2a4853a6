"""The parts of a machine image, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.machines import snaps


@dataclass(frozen=True)
class Image:
    """A finished image: a folder with everything that machines need. See `image.ensure_image`."""

    folder: Path

    @property
    def rootfs(self) -> Path:
        """The operating system, the lowest layer of every machine's root."""
        return (self.folder / "base").resolve() / "root"

    @property
    def debs(self) -> Path:
        """Packages that are not installed in it but that files are taken from."""
        return (self.folder / "base").resolve() / "debs"

    @property
    def golden(self) -> Path:
        """The layer above it: what a first boot and the snaps that snapd needs leave behind."""
        return self.folder / "golden"

    @property
    def nspawn(self) -> Path:
        """The extracted systemd-container package, which has systemd-nspawn."""
        return self.folder / "nspawn"

    @property
    def container(self) -> Path:
        """A container image of busybox, for `lxc image import`."""
        return self.folder / "busybox.tar.gz"

    @property
    def lxd_version(self) -> str:
        """The version of its LXD, like "5.0.2"."""
        return snaps.packed_version(self.debs)

    def lxd_snap(self, version: str | None = None) -> Path:
        """Its LXD as a snap file, lxd_VERSION.snap; packed now (1 s) if it was not yet.

        Another `version` than its own is the same LXD under that name: something to refresh to.
        """
        wanted = version or self.lxd_version
        packed = self.folder / "snaps" / f"lxd_{wanted}.snap"
        return packed if packed.exists() else snaps.pack_lxd(self.debs, packed.parent, wanted)
