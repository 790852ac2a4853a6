# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A container image of one megabyte, for the containers that the lab's LXD runs."""

from __future__ import annotations

import platform
import shutil
import tarfile
import tempfile
from pathlib import Path

from lab.machines import rootfs

FOLDERS = ("bin", "sbin", "etc", "proc", "sys", "dev", "tmp", "root", "run", "var")
APPLETS = (
    *("cat", "halt", "hostname", "id", "init", "ip", "ls", "mount", "nslookup", "ping", "poweroff"),
    *("ps", "reboot", "sh", "sleep", "touch", "udhcpc", "wget"),
)


def build(debs: Path, target: Path) -> None:
    """Write the image, a unified LXD tarball, to `target`: busybox that asks for an address."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "rootfs"
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
        shutil.copytree(rootfs.RECIPE / "container", root, dirs_exist_ok=True)
        package = Path(scratch) / "package"
        rootfs.extract(debs, "busybox-static", package)
        shutil.move(package / "bin/busybox", root / "bin/busybox")
        for applet in APPLETS:
            (root / "bin" / applet).symlink_to("busybox")
        (root / "sbin/init").symlink_to("../bin/busybox")
        metadata = Path(scratch) / "metadata.yaml"
        metadata.write_text(_METADATA.format(architecture=platform.machine()))
        with tarfile.open(target, "w:gz") as tarball:
            tarball.add(metadata, "metadata.yaml")
            tarball.add(root, "rootfs")


_METADATA = """\
architecture: {architecture}
creation_date: 1700000000
properties: {{description: busybox, os: busybox, release: "1"}}
"""
