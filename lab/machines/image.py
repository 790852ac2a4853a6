"""The image that every machine starts from, in a cache that all labs of a computer share.

It is built in two stages that are cached apart: the system (60 s) and the rest (10 s).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from lab.machines import claims, container, network, rootfs, snaps, teardown
from lab.machines.command import MachineError, run
from lab.machines.disk import remove_tree, unmount
from lab.machines.layers import Image
from lab.machines.machine import Machine

DEFAULT_CACHE = Path("/var/cache/lxd-cluster-lab")
Progress = Callable[[str], None]
SOURCE = Path(__file__).parent
_LISTS = ("recipe/packages.txt", "recipe/extracted.txt", "recipe/masked.txt")
_SYSTEM_RECIPE = (*_LISTS, "recipe/rootfs", "rootfs.py")
_IMAGE_RECIPE = ("recipe/snaps", "recipe/container", "snaps.py", "container.py", "image.py")


def ensure_image(cache: Path, progress: Progress) -> Image:
    """Find the image in the folder `cache`, or build it there, which takes about 70 s.

    A new recipe, or a new version of a package that matters, makes a new image. A build that is
    interrupted leaves nothing that counts; two builds at a time wait for each other. `progress`
    gets a line for each step of a build. Raises MachineError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    claims.CLAIMS.mkdir(exist_ok=True)
    with _locked(claims.CLAIMS / "build.lock"):
        versions = rootfs.watched_versions()
        system_recipe = digest(_files(_SYSTEM_RECIPE), [network.hosts_file()])
        system = _find(cache, f"system-{system_recipe}-", versions)
        if not system.exists():
            progress(f"building the machines' system in {system} (about a minute)")
            with whole(system) as new:
                rootfs.build(new, cache / "mmdebstrap.log")
        image = Image(cache / f"image-{digest(_files(_IMAGE_RECIPE), [system.name])}")
        if not image.folder.exists():
            _remove_first_boot()
            with whole(image.folder) as new:
                (new / "base").symlink_to(f"../{system.name}")
                _build_image(Image(new), progress)
            _prune(cache, [system, image.folder])
    return image


def digest(files: Iterable[Path], words: Iterable[str]) -> str:
    """A short hash of the files' names, modes and contents, and of the words."""
    total = hashlib.sha256()
    for file in files:
        executable = os.access(file, os.X_OK)
        total.update(f"{file.relative_to(SOURCE)} {executable}\n".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    for word in words:
        total.update(f"{word}\n".encode())
    return total.hexdigest()[:12]


def _build_image(image: Image, progress: Progress) -> None:
    progress("packing snaps and a container image")
    packed = image.folder / "snaps"
    packed.mkdir()
    snaps.pack_stubs(packed)
    image.lxd_snap()
    container.build(image.debs, image.container)
    rootfs.extract(image.debs, "systemd-container", image.nspawn)
    progress("booting once, so that machines boot faster")
    image.golden.mkdir()
    _build_golden(image)
    network.remove_bridges()


def _build_golden(image: Image) -> None:
    """Boot a machine, install the snaps that snapd needs, and keep what that left behind."""
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


def _prune(cache: Path, keep: list[Path]) -> None:
    """Remove what was built more than a day ago and no machine's disk is made of."""
    mounts = Path("/proc/self/mounts").read_text()
    for folder in [*cache.glob("system-*"), *cache.glob("image-*")]:
        is_old = time.time() - folder.stat().st_mtime > 24 * 3600
        if is_old and folder not in keep and str(folder) not in mounts:
            remove_tree(folder)


def _remove_first_boot() -> None:
    """Remove what a build that was killed left running or mounted."""
    left = claims.holder(network.MAX_NUMBER)
    if left:
        teardown.destroy(network.MAX_NUMBER, left)


def _find(cache: Path, prefix: str, versions: list[str]) -> Path:
    """Where the system of these package versions is or is to be built.

    When apt does not know the versions, the newest system that was built will do.
    """
    built = sorted(cache.glob(f"{prefix}*[0-9a-f]"), key=lambda path: path.stat().st_mtime)
    if built and not versions:
        return built[-1]
    return cache / f"{prefix}{digest([], versions)}"


def _files(names: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = SOURCE / name
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [file for file in inside if file.is_file()]
    return sorted(found)


@contextmanager
def whole(folder: Path) -> Generator[Path]:
    """A folder to build in, which becomes `folder` at the end if all went well."""
    new = folder.with_name(f"{folder.name}.new")
    remove_tree(new)
    new.mkdir()
    yield new
    run("sync", "--file-system", str(new), timeout=300)
    new.rename(folder)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
