# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The first file system of a virtual machine: busybox, and what mounting the real one needs.

A distribution's own initrd looks for a dozen kinds of disks. Under emulation that takes longer than
the rest of the boot.
"""

from __future__ import annotations

import lzma
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

# Modules that the machine needs before its root is mounted, or before udev runs, with their
# dependencies.
MODULES = ("virtio_pci", "9p", "9pnet_virtio", "virtio_blk", "virtio_net", "virtio_console")
APPLETS = ("insmod", "mkdir", "mount", "sh", "switch_root")
ROOT_TAG = "root"
# Bytes of a 9p block: a file is read in blocks of this size.
BLOCK = 500_000
# The first bytes of an LZMA stream in a file.
_XZ = b"\xfd7zXZ\0"
_FOLDERS = ("bin", "dev", "modules", "proc", "root", "sys")


def load_order(dependencies: str, wanted: Iterable[str]) -> list[str]:
    """The modules to load, each after its dependencies, by their paths in a modules.dep.

    A module that is not in modules.dep is part of the kernel.
    """
    table = {path: needs.split() for path, _, needs in _lines(dependencies)}
    by_name = {_name(path): path for path in table}
    found: list[str] = []
    for name in wanted:
        path = by_name.get(name)
        if path is None:
            continue
        # modules.dep names the nearest dependency first.
        found += [one for one in [*reversed(table[path]), path] if one not in found]
    return found


def init_script(modules: Iterable[str]) -> str:
    """The script that the kernel starts: load the modules, mount the root, start its systemd."""
    options = f"trans=virtio,version=9p2000.L,msize={BLOCK},cache=loose"
    return "\n".join(
        [
            "#!/bin/sh",
            "mount -t devtmpfs dev /dev",
            *(f"insmod /modules/{Path(path).name}" for path in modules),
            f"mount -t 9p -o {options} {ROOT_TAG} /root",
            "mount --move /dev /root/dev",
            "exec switch_root /root /lib/systemd/systemd",
            "",
        ]
    )


def build(modules: Path, busybox: Path, target: Path) -> None:
    """Write the initrd for the kernel whose modules are in the folder `modules`."""
    order = load_order((modules / "modules.dep").read_text(), MODULES)
    files = {f"modules/{Path(path).name}": (modules / path).read_bytes() for path in order}
    files["bin/busybox"] = busybox.read_bytes()
    files["init"] = init_script(order).encode()
    target.write_bytes(archive(_FOLDERS, files, {f"bin/{name}": "busybox" for name in APPLETS}))


def unpacked_kernel(packed: bytes) -> bytes:
    """The kernel in a distribution's vmlinuz, unpacked: unpacking is slow in emulation.

    A kernel that is not packed in Debian's way is returned unchanged.
    """
    begin = packed.find(_XZ)
    return packed if begin < 0 else lzma.LZMADecompressor().decompress(packed[begin:])


def archive(folders: Iterable[str], files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    """A cpio archive in the kernel's format ("newc"). All files are executable."""
    parts = [_entry(name, stat.S_IFDIR | 0o755, b"") for name in folders]
    parts += [_entry(name, stat.S_IFREG | 0o755, data) for name, data in files.items()]
    parts += [_entry(name, stat.S_IFLNK | 0o777, to.encode()) for name, to in links.items()]
    parts.append(_entry("TRAILER!!!", 0, b""))
    return b"".join(parts)


def _entry(name: str, mode: int, data: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    # inode, mode, uid, gid, links, mtime, size, four device numbers, length of the name, checksum
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + encoded
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _lines(dependencies: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in dependencies.splitlines()]


def _name(path: str) -> str:
    return Path(path).name.partition(".")[0].replace("-", "_")
