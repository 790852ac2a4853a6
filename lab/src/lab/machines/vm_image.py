# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What every virtual machine starts from: the containers' image, a kernel, and its files.

It is built in two stages with separate caches: the kernel with zfs, which is compiled for it
(minutes), and the lab's own files (seconds).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.machines import built, claims, disk, initrd, rootfs
from lab.machines.image import ensure_image
from lab.machines.layers import Image, VmImage
from lab.machines.locks import locked
from lab.machines.programs import MachineError, program

# A new version of any of these makes a new kernel.
WATCHED = ("linux-image-amd64", "lvm2")
# The files that run in the machine, by their names in this folder; they need only Python.
GUEST = ("command_server.py", "guest.py", "line.py", "sockets.py")
_SYSTEM_RECIPE = ("recipe/packages-vm.txt", "vm_system.sh")
_RECIPE = ("recipe/masked-vm.txt", "recipe/vm", *GUEST, "initrd.py", "vm_image.py")
_BUILD_SECONDS = 3600.0
_PATTERNS = ("kernel-*", "vm-*")


def ensure_vm_image(cache: Path, progress: built.Progress) -> VmImage:
    """Find the image in the folder `cache`, or build it there, which takes about five minutes.

    This also makes the containers' image. Everything else is as for `image.ensure_image`.
    """
    base = ensure_image(cache, progress)
    with locked(claims.CLAIMS / "build-vm.lock"):
        versions = rootfs.watched_versions(WATCHED)
        recipe = built.digest(built.recipe(_SYSTEM_RECIPE), [base.rootfs.parent.name])
        system = built.find(cache, f"kernel-{recipe}-", versions)
        if not system.exists():
            progress(f"building a kernel with zfs in {system} (about five minutes)")
            with built.whole(system) as new:
                _build_system(base, new, cache / "kernel.log")
        words = [system.name, base.folder.name]
        image = VmImage(cache / f"vm-{built.digest(built.recipe(_RECIPE), words)}")
        if not image.folder.exists():
            with built.whole(image.folder) as new:
                (new / "system").symlink_to(f"../{system.name}")
                (new / "base").symlink_to(f"../{base.folder.name}")
                _build_layer(new / "layer")
                _build_initrd(VmImage(new))
            built.prune(cache, _PATTERNS, [system, image.folder])
    return image


def _build_system(base: Image, folder: Path, log: Path) -> None:
    script = Path(__file__).with_name("vm_system.sh")
    argv = [
        # If this process is killed, the build is killed, too, with all its mounts.
        *[program("setpriv"), "--pdeathsig", "KILL"],
        *[program("unshare"), "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
        *[
            str(script),
            str(base.rootfs),
            str(folder),
            " ".join(rootfs.package_names("packages-vm")),
        ],
    ]
    with log.open("wb") as output:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=_BUILD_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise MachineError(f"{script.name} failed:\n{log.read_text(errors='replace')[-2000:]}")
    disk.remove_tree(folder / "scratch")
    packed = next((folder / "layer/boot").glob("vmlinuz-*"))
    (folder / "vmlinux").write_bytes(initrd.unpacked_kernel(packed.read_bytes()))


def _build_layer(layer: Path) -> None:
    """The lab's own files in a virtual machine."""
    shutil.copytree(rootfs.RECIPE / "vm", layer)
    modules = layer / "usr/lib/lab/python/lab/machines"
    modules.mkdir(parents=True)
    for package in (modules, modules.parent):
        (package / "__init__.py").touch()
    for name in GUEST:
        shutil.copy(Path(__file__).with_name(name), modules)
    units = layer / "etc/systemd/system"
    for unit in rootfs.package_names("masked-vm"):
        (units / unit).symlink_to("/dev/null")
    wanted = units / "sysinit.target.wants"
    wanted.mkdir()
    (wanted / "lab-guest.service").symlink_to("../lab-guest.service")


def _build_initrd(image: VmImage) -> None:
    modules = next((image.kernel_folder / "layer/usr/lib/modules").iterdir())
    with tempfile.TemporaryDirectory() as scratch:
        rootfs.extract(image.base.debs, "busybox-static", Path(scratch))
        initrd.build(modules, Path(scratch) / "bin/busybox", image.initrd)
