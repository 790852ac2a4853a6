# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The machines' operating system: Debian bookworm, from the host's own apt sources."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.machines import network
from lab.machines.programs import MachineError, program, run

RELEASE = "bookworm"
RECIPE = Path(__file__).parent / "recipe"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Apt's name for package lists, among all its downloads.
TARGETS = "Created-By: Packages"
# A new version of any of these makes a new image.
WATCHED = ("lxd", "snapd", "systemd")


def package_names(listing: str) -> list[str]:
    """The packages that a list of the recipe names."""
    return (RECIPE / f"{listing}.txt").read_text().split()


def watched_versions(packages: Sequence[str] = WATCHED) -> list[str]:
    """The versions of the packages that apt offers here, as "PACKAGE VERSION" lines.

    Empty when apt has no lists of bookworm.
    """
    lines = run("apt-cache", "madison", *packages).splitlines()
    offers = [[field.strip() for field in line.split("|")] for line in lines]
    return [
        f"{package} {version}"
        for package, version, source in offers
        if re.search(rf"\b{RELEASE}(-security|-updates)?/", source)
    ]


def sources() -> list[str]:
    """Apt source lines of Debian bookworm, from the host's own source of Debian packages.

    Raises MachineError if the host has no such source.
    """
    pattern = "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)"
    found = bookworm_lines(run("apt-get", "indextargets", "--format", pattern, TARGETS))
    if not found:
        raise MachineError(
            "apt on this computer knows no source of Debian, which the lab's machines are made of:"
            " add one to /etc/apt/sources.list.d, then run apt-get update"
        )
    return found


def bookworm_lines(targets: str) -> list[str]:
    """Source lines from a host's "ORIGIN|CODENAME|COMPONENT|URI" lines of any Debian release."""
    found: set[str] = set()
    for line in targets.splitlines():
        origin, codename, component, uri = line.split("|")
        pocket = codename.partition("-")[2]
        if origin == "Debian" and component == "main" and pocket in ("", "updates", "security"):
            suite = f"{RELEASE}-{pocket}" if pocket else RELEASE
            found.add(f"deb [signed-by={KEYRING}] {uri} {suite} main")
    return sorted(found)


def build(folder: Path, log: Path) -> None:
    """Make FOLDER/root, the operating system, and FOLDER/debs, packages to extract files from.

    It takes about a minute, most of it for unpacking. The output of mmdebstrap goes to `log`.
    """
    root, debs = folder / "root", folder / "debs"
    debs.mkdir(parents=True)
    extracted = " ".join(package_names("extracted"))
    # The host's apt with the new system's lists: the packages then fit that system, on any host.
    download = f"APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download {extracted}"
    argv = [
        # If this process is killed, the build is killed, too, with all its mounts.
        *[program("setpriv"), "--pdeathsig", "KILL"],
        *[program("unshare"), "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
        *[program("mmdebstrap"), "--variant=apt", "--mode=root"],
        *['--aptopt=Acquire::Languages "none"', '--aptopt=APT::Install-Recommends "false"'],
        *[f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale")],
        "--dpkgopt=force-unsafe-io",
        f"--include={','.join(package_names('packages'))}",
        f"--customize-hook=cd '{debs}' && {download}",
        *[RELEASE, str(root), *sources()],
    ]
    with log.open("wb") as output:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=1800,
            check=False,
        )
    if done.returncode != 0:
        raise MachineError(f"mmdebstrap failed:\n{log.read_text(errors='replace')[-2000:]}")
    _tune(root)


def command_line(root: Path, program: Path, *folders: Path) -> list[str]:
    """The command line that runs a program of the system in `root` on this computer.

    The program looks for its libraries in these folders first, then in that system.
    """
    libraries = next(root.glob("usr/lib/*-linux-gnu"))
    loader = next(libraries.glob("ld-linux*.so.*"))
    path = ":".join(str(folder) for folder in (*folders, libraries))
    return [str(loader), "--library-path", path, str(program)]


def extract(debs: Path, package: str, target: Path) -> None:
    """Unpack a package of the folder `debs` below `target`."""
    run("dpkg-deb", "--extract", str(find_deb(debs, package)), str(target))


def find_deb(debs: Path, package: str) -> Path:
    """The file of a package in the folder `debs`."""
    return next(debs.glob(f"{package}_*.deb"))


def _tune(root: Path) -> None:
    """Adapt it to a machine without a store, a resolver or hardware."""
    etc = root / "etc"
    (etc / "machine-id").write_text("")
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    (etc / "hostname").unlink(missing_ok=True)
    (etc / "resolv.conf").unlink(missing_ok=True)
    shutil.copytree(RECIPE / "rootfs", root, dirs_exist_ok=True)
    (etc / "hosts").write_text(network.hosts_file())
    # Go then says "no such host" at once, and snapd does not retry that. Otherwise it stalls for 33
    # s.
    switch = etc / "nsswitch.conf"
    switch.write_text(re.sub(r"(?m)^hosts:.*$", "hosts: files", switch.read_text()))
    units = etc / "systemd/system"
    for unit in package_names("masked"):
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    _put_to_sleep(units)
    wanted = units / "sysinit.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "lab-boot.service").symlink_to("../lab-boot.service")
    (root / "snap").mkdir(exist_ok=True)
    # LXD in a snap looks for the files of the system here: strict snaps have them at this path.
    files = root / "var/lib/snapd/hostfs"
    if files.is_dir():
        files.rmdir()
    files.symlink_to("/")


def _put_to_sleep(units: Path) -> None:
    """Disable services that packages enable at boot and the preset does not want.

    systemd follows the preset only on a first boot, and the image is past its first boot.
    """
    preset = units.parent / "system-preset/00-lab.preset"
    for line in preset.read_text().splitlines():
        verb, _, unit = line.partition(" ")
        for folder in units.glob("*.wants") if verb == "disable" else ():
            (folder / unit).unlink(missing_ok=True)
