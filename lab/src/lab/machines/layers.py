# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The parts of a machine image, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.machines import lxd_folder, snaps


@dataclass(frozen=True)
class Image:
    """A finished image: a folder with everything that machines need. See `image.ensure_image`.

    `other_lxd` is the folder of the LXD that they use instead of Debian's.
    """

    folder: Path
    other_lxd: Path | None = None

    @property
    def rootfs(self) -> Path:
        """The operating system, the lowest layer of every machine's root."""
        return (self.folder / "base").resolve() / "root"

    @property
    def layers(self) -> tuple[Path, ...]:
        """The layers of a machine's root, the uppermost first."""
        return (self.golden, self.rootfs)

    @property
    def debs(self) -> Path:
        """Packages that are not installed in it. Files are extracted from them."""
        return (self.folder / "base").resolve() / "debs"

    @property
    def golden(self) -> Path:
        """The layer above it: the files that a first boot and the snaps for snapd leave."""
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
    def debian_lxd(self) -> Path:
        """Debian's LXD, in the same folder layout as other LXDs."""
        return self.folder / "lxd"

    @property
    def lxd(self) -> Path:
        """The folder of the machines' LXD. See `lxd_folder`."""
        return self.other_lxd or self.debian_lxd

    @property
    def lxd_version(self) -> str:
        """The version of its LXD, like "5.0.2"."""
        lxd_folder.check(self.lxd)
        return lxd_folder.version(self.lxd, self.rootfs)

    def lxd_snap(self, version: str | None = None) -> Path:
        """Its LXD as a snap file, lxd_VERSION.snap; packed now (1 s) if it does not exist.

        With another `version` it is the same LXD under another version number, as the target of a
        refresh. Raises MachineError if the folder has no LXD.
        """
        lxd_folder.check(self.lxd)
        snap_version = version or self.lxd_version
        packed = self.lxd_snap_file(snap_version)
        if not packed.exists():
            snaps.pack_lxd(self.lxd, snap_version, packed)
        return packed

    def lxd_snap_file(self, version: str) -> Path:
        """The path of that file, which may not exist yet. LXDs of one version differ."""
        return self.folder / "snaps" / lxd_folder.digest(self.lxd) / f"lxd_{version}.snap"


@dataclass(frozen=True)
class VmImage:
    """What virtual machines need in addition to an image. See `vm_image.ensure_vm_image`."""

    folder: Path

    @property
    def base(self) -> Image:
        """The image with the system and the LXD that they share with containers."""
        return Image((self.folder / "base").resolve())

    @property
    def kernel_folder(self) -> Path:
        """A layer with the kernel's modules and the tools of zfs and LVM, and the kernel."""
        return (self.folder / "system").resolve()

    @property
    def layers(self) -> tuple[Path, ...]:
        """The layers of a machine's root, the uppermost first."""
        return (self.folder / "layer", self.kernel_folder / "layer", *self.base.layers)

    @property
    def kernel(self) -> Path:
        """The kernel, unpacked."""
        return self.kernel_folder / "vmlinux"

    @property
    def initrd(self) -> Path:
        """The initrd that the kernel starts with."""
        return self.folder / "initrd"
