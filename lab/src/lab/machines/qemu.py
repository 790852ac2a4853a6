# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The command line that makes QEMU one of the lab's virtual machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lab.machines.guest import PORT_NAME
from lab.machines.network import Interface

PROGRAM = "qemu-system-x86_64"
# Without protections that cost an emulator work at every system call and protect nothing here.
CPU = "max,la57=off,pcid=off,smap=off,smep=off,umip=off"
# Two CPUs are not faster than one: each waits for the other, and three machines share a small
# computer.
CPUS = 1
MEMORY_MIB = 1536
# In emulation, mitigations for leaks of a real CPU cost much and protect nothing. LXD would need
# seconds to compile AppArmor's profiles, and the lab's containers have none either.
KERNEL_WORDS = (
    *("console=ttyS0", "quiet", "panic=-1", "mitigations=off", "lsm=yama"),
    # Most threads that wait for an RCU grace period wait less with it.
    "rcupdate.rcu_expedited=1",
    # A kernel that boots on a busy computer measures a wrong frequency of the TSC: a clock by it
    # was an hour ahead after half an hour (measured), and then no certificate is valid.
    "clocksource=acpi_pm",
    *("net.ifnames=0", "audit=0", "nowatchdog", "no_timer_check", "rw"),
)


def arguments(
    kernel: Path,
    initrd: Path,
    shares: Mapping[str, Path],
    disks: Iterable[Path],
    taps: Mapping[str, Interface],
) -> list[str]:
    """QEMU's arguments, except the descriptors of its line and its monitor.

    `shares` are folders by the tags with which the machine mounts them, `disks` are /dev/vda and
    the next ones, `taps` are NICs by their devices on this computer.
    """
    return [
        *["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU],
        *["-smp", str(CPUS), "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config"],
        *["-display", "none", "-serial", "stdio", "-no-reboot"],
        *["-kernel", str(kernel), "-initrd", str(initrd), "-append", " ".join(KERNEL_WORDS)],
        *["-device", "virtio-rng-pci"],
        *_each(_share(tag, folder) for tag, folder in shares.items()),
        *_each(_disk(number, file) for number, file in enumerate(disks)),
        *_each(_nic(tap, nic) for tap, nic in taps.items()),
    ]


def descriptors(line: int, monitor: int) -> list[str]:
    """QEMU's arguments for its ends of the serial line and of the monitor: open sockets."""
    return [
        *["-chardev", f"socket,id=line,fd={line}", "-device", "virtio-serial-pci"],
        *["-device", f"virtserialport,chardev=line,name={PORT_NAME}"],
        *["-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control"],
    ]


def _each(groups: Iterable[list[str]]) -> list[str]:
    return [word for group in groups for word in group]


def _share(tag: str, folder: Path) -> list[str]:
    # multidevs: the root is an overlay with files from several file systems.
    kind = "local,security_model=none,multidevs=remap"
    return [
        *["-fsdev", f"{kind},id={tag},path={folder}"],
        *["-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"],
    ]


def _disk(number: int, file: Path) -> list[str]:
    # A power cut here is a killed QEMU: what it has written stays, so it does not need to sync.
    kind = "if=none,format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap"
    return [
        *["-drive", f"{kind},id=disk{number},file={file}"],
        *["-device", f"virtio-blk-pci,drive=disk{number}"],
    ]


def _nic(tap: str, nic: Interface) -> list[str]:
    return [
        *["-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no"],
        *["-device", f"virtio-net-pci,netdev={tap},mac={nic.mac},romfile="],
    ]
