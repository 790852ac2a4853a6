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
    def layers(self) -> tuple[Path, ...]:
        """What a machine's root is laid over, the uppermost first."""
        return (self.golden, self.rootfs)

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


@dataclass(frozen=True)
class VmImage:
    """What virtual machines need besides an image. See `vm_image.ensure_vm_image`."""

    folder: Path

    @property
    def base(self) -> Image:
        """The image whose system and LXD they have too."""
        return Image((self.folder / "base").resolve())

    @property
    def kernel_folder(self) -> Path:
        """A layer with the kernel's modules and the tools of zfs and LVM, and the kernel."""
        return (self.folder / "system").resolve()

    @property
    def layers(self) -> tuple[Path, ...]:
        """What a machine's root is laid over, the uppermost first."""
        return (self.folder / "layer", self.kernel_folder / "layer", *self.base.layers)

    @property
    def kernel(self) -> Path:
        """The kernel, unpacked."""
        return self.kernel_folder / "vmlinux"

    @property
    def initrd(self) -> Path:
        """What the kernel starts with."""
        return self.folder / "initrd"
