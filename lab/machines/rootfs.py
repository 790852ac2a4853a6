"""The machines' operating system: Debian bookworm, from the host's own apt sources."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from lab.machines import network
from lab.machines.command import MachineError, program, run

RELEASE = "bookworm"
RECIPE = Path(__file__).parent / "recipe"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# A new version of any of these makes a new image.
WATCHED = ("lxd", "snapd", "systemd")


def package_names(listing: str) -> list[str]:
    """The packages that a list of the recipe names."""
    return (RECIPE / f"{listing}.txt").read_text().split()


def watched_versions() -> list[str]:
    """The versions of WATCHED that apt offers here, as "PACKAGE VERSION" lines, the newest of each.

    Empty when apt has no package lists.
    """
    lines = run("apt-cache", "madison", *WATCHED).splitlines()
    offers = [[field.strip() for field in line.split("|")] for line in lines]
    return [
        f"{package} {version}"
        for package, version, source in offers
        if re.search(rf"\b{RELEASE}(-security|-updates)?/", source)
    ]


def sources() -> list[str]:
    """Apt source lines of Debian bookworm, taken from what the host's own apt uses."""
    pattern = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(CODENAME)"
    listed = run("apt-get", "indextargets", "--format", pattern, "Created-By: Packages")
    found = [
        f"deb [signed-by={KEYRING}] {uri} {suite} {component}"
        for uri, suite, component, origin, codename in (
            line.split("|") for line in listed.splitlines()
        )
        if origin == "Debian" and codename.partition("-")[0] == RELEASE
    ]
    if not found:
        raise MachineError(
            f"apt on this computer knows no source of Debian {RELEASE}, which the lab's machines"
            " are made of: add one to /etc/apt/sources.list.d, then run apt-get update"
        )
    return sorted(set(found))


def build(folder: Path, log: Path) -> None:
    """Make FOLDER/root, the operating system, and FOLDER/debs, packages to extract files from.

    Takes about a minute, most of it unpacking. What mmdebstrap says goes to `log`.
    """
    root, debs = folder / "root", folder / "debs"
    debs.mkdir(parents=True)
    extracted = " ".join(package_names("extracted"))
    # The host's apt with the new system's lists: the packages fit it, whatever the host is.
    download = f"APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download {extracted}"
    argv = [
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


def extract(debs: Path, package: str, target: Path) -> None:
    """Unpack a package of the folder `debs` below `target`."""
    run("dpkg-deb", "--extract", str(find_deb(debs, package)), str(target))


def find_deb(debs: Path, package: str) -> Path:
    """The file of a package in the folder `debs`."""
    return next(debs.glob(f"{package}_*.deb"))


def _tune(root: Path) -> None:
    """Make it fit for a machine without a store, a resolver or hardware."""
    etc = root / "etc"
    (etc / "machine-id").write_text("")
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    (etc / "hostname").unlink(missing_ok=True)
    (etc / "resolv.conf").unlink(missing_ok=True)
    shutil.copytree(RECIPE / "rootfs", root, dirs_exist_ok=True)
    (etc / "hosts").write_text(network.hosts_file())
    # Go then says "no such host" at once, which snapd does not retry. It stalls for 33 s else.
    switch = etc / "nsswitch.conf"
    switch.write_text(re.sub(r"(?m)^hosts:.*$", "hosts: files", switch.read_text()))
    units = etc / "systemd/system"
    for unit in package_names("masked"):
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    wanted = units / "sysinit.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "lab-boot.service").symlink_to("../lab-boot.service")
    (root / "snap").mkdir(exist_ok=True)
