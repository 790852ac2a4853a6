# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The image that every machine starts from, in a cache that all labs of a computer share.

It is built in two stages with separate caches: the system (60 s) and the rest (10 s).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.machines import (
    built,
    claims,
    container_image,
    lxd_folder,
    network,
    rootfs,
    snaps,
    teardown,
)
from lab.machines.disk import remove_tree, unmount
from lab.machines.layers import Image
from lab.machines.locks import locked
from lab.machines.nspawn_machine import Machine
from lab.machines.programs import MachineError

DEFAULT_CACHE = Path("/var/cache/lxd-cluster-lab")
_LISTS = ("recipe/packages.txt", "recipe/extracted.txt", "recipe/masked.txt")
_SYSTEM_RECIPE = (*_LISTS, "recipe/rootfs", "rootfs.py")
_PACKING = ("snaps.py", "lxd_folder.py", "container_image.py", "image.py")
_IMAGE_RECIPE = ("recipe/snaps", "recipe/container", *_PACKING)


def ensure_image(cache: Path, progress: built.Progress) -> Image:
    """Find the image in the folder `cache`, or build it there, which takes about 70 s.

    A new recipe, or a new version of an important package, makes a new image. An interrupted build
    leaves nothing that counts; two builds at a time wait for each other. `progress` gets a line for
    each step of a build. The image does not contain the machines' LXD: that is `lxd_folder.chosen`,
    packed on request. Raises MachineError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    claims.CLAIMS.mkdir(exist_ok=True)
    with locked(claims.CLAIMS / "build.lock"):
        versions = rootfs.watched_versions()
        system_recipe = built.digest(built.recipe(_SYSTEM_RECIPE), [network.hosts_file()])
        system = built.find(cache, f"system-{system_recipe}-", versions)
        if not system.exists():
            progress(f"building the machines' system in {system} (about a minute)")
            with built.whole(system) as new:
                rootfs.build(new, cache / "mmdebstrap.log")
        image = Image(cache / f"image-{built.digest(built.recipe(_IMAGE_RECIPE), [system.name])}")
        if not image.folder.exists():
            _remove_first_boot()
            with built.whole(image.folder) as new:
                (new / "base").symlink_to(f"../{system.name}")
                _build_image(Image(new), progress)
            built.prune(cache, ("system-*", "image-*"), [system, image.folder])
    return Image(image.folder, lxd_folder.chosen())


def _build_image(image: Image, progress: built.Progress) -> None:
    progress("packing snaps and a container image")
    packed = image.folder / "snaps"
    packed.mkdir()
    snaps.pack_stubs(packed)
    snaps.unpack_debian_lxd(image.debs, image.debian_lxd)
    image.lxd_snap()
    container_image.build(image.debs, image.container)
    rootfs.extract(image.debs, "systemd-container", image.nspawn)
    progress("booting once, so that machines boot faster")
    image.golden.mkdir()
    _build_golden(image)
    network.remove_bridges()


def _build_golden(image: Image) -> None:
    """Boot a machine, install the snaps that snapd needs, and keep the resulting files."""
    home = image.folder / "first-boot"
    machine = Machine(home, network.MAX_NUMBER, image)
    try:
        machine.start()
        machine.wait_booted()
        for name in ("snapd", "core22"):
            shutil.copy(image.folder / "snaps" / f"{name}.snap", machine.shared_dir)
            install = ["snap", "install", "--dangerous", f"/run/lab/{name}.snap"]
            done = machine.run(install, timeout=120)
            if done.returncode != 0:
                raise MachineError(f"{' '.join(install)}: {done.stderr.strip()}")
        machine.stop()
        unmount(machine.root)
        upper = machine.folder / "upper"
        (upper / "etc/machine-id").write_text("")
        for own in ("etc/hostname", "etc/lab/network"):
            (upper / own).unlink(missing_ok=True)
        remove_tree(upper / "var/log/journal")
        image.golden.rmdir()
        upper.rename(image.golden)
    finally:
        machine.destroy()
    remove_tree(home)


def _remove_first_boot() -> None:
    """Remove what a killed build left running or mounted."""
    left = claims.holder(network.MAX_NUMBER)
    if left:
        teardown.destroy(network.MAX_NUMBER, left)
