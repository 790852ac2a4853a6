# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The parts of virtual machines that can be tested without one."""

from __future__ import annotations

import contextlib
import json
import lzma
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lines
from lab.machines import (
    command_server,
    initrd,
    machine_commands,
    network,
    qemu,
    sockets,
    supervise_vm,
    virtual_machine,
)
from lab.machines.layers import Image, VmImage
from lab.model import constraints
from lab.model.errors import JujuError

DEPENDENCIES = """\
kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
kernel/net/9p/9pnet.ko:
kernel/fs/netfs/netfs.ko:
kernel/drivers/md/dm-thin-pool.ko: kernel/drivers/md/dm-bufio.ko
"""


# Constraints.


def test_a_constraint_makes_a_machine_virtual():
    asked = constraints.parse(["mem=4G virt-type=virtual-machine", "cores=2"])
    assert asked == "cores=2 mem=4G virt-type=virtual-machine"
    assert constraints.virt_type(asked) == "virtual-machine"


@pytest.mark.parametrize("words", [[], ["mem=4G"], ["virt-type=container"]])
def test_machines_are_containers_unless_asked_otherwise(words: list[str]):
    assert constraints.virt_type(constraints.parse(words)) == "container"


@pytest.mark.parametrize("words", [["virt-type=toaster"], ["mem"], ["=4G"]])
def test_a_constraint_that_means_nothing_to_juju_is_refused(words: list[str]):
    with pytest.raises(JujuError):
        constraints.parse(words)


# What the machine boots from.


def test_modules_are_loaded_after_what_they_depend_on():
    wanted = ["9p", "9pnet", "dm_thin_pool", "part_of_the_kernel"]
    assert [Path(path).stem for path in initrd.load_order(DEPENDENCIES, wanted)] == [
        "netfs",
        "9pnet",
        "9p",
        "dm-bufio",
        "dm-thin-pool",
    ]


def test_a_kernel_is_taken_out_of_its_package_or_left_as_it_is():
    kernel = b"\x7fELF" + bytes(1000)
    assert initrd.unpacked_kernel(b"MZ" + lzma.compress(kernel) + b"tail") == kernel
    assert initrd.unpacked_kernel(b"MZ other") == b"MZ other"


def test_an_archive_is_one_that_cpio_reads(tmp_path: Path):
    data = initrd.archive(["bin"], {"bin/a": b"text", "init": b"#!"}, {"bin/b": "a"})
    entries = list(entries_of(data))
    assert entries == [
        ("bin", 0o40755, b""),
        ("bin/a", 0o100755, b"text"),
        ("init", 0o100755, b"#!"),
        ("bin/b", 0o120777, b"a"),
        ("TRAILER!!!", 0, b""),
    ]


def entries_of(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    at = 0
    while at < len(data):
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_length = fields[1], fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_length - 1].decode()
        at += (110 + name_length + 3) // 4 * 4
        yield name, mode, data[at : at + size]
        at += (size + 3) // 4 * 4


# QEMU.


def test_qemu_gets_every_nic_disk_and_share():
    taps = {f"lab3-{nic.name}": nic for nic in network.interfaces(3)}
    shares = {"root": Path("/r"), "agents": Path("/r/a")}
    words = qemu.arguments(Path("/k"), Path("/i"), shares, [Path("/d1"), Path("/d2")], taps)
    text = " ".join(words)
    assert text.count("virtio-net-pci") == text.count("virtio-9p-pci") == 2
    assert text.index("file=/d1") < text.index("file=/d2")
    assert "ifname=lab3-eth0" in text
    assert "mac=02:99:00:00:00:04" in text
    assert text.index("mac=02:99:00:00:00:04") < text.index("mac=02:99:00:00:01:04")


def test_a_path_has_a_name_in_the_machine(tmp_path: Path):
    machine = virtual_machine.VirtualMachine(tmp_path, 3, VmImage(tmp_path / "vm"))
    assert machine.seen(machine.root / "var/lib/juju/x") == "/var/lib/juju/x"
    assert machine.seen(machine.shared_dir / "note") == "/run/lab/note"
    assert machine.seen(machine.shared_dir / "tools.sock") == "/run/lab-sockets/tools.sock"


def test_a_machine_that_is_off_says_so(tmp_path: Path):
    machine = virtual_machine.VirtualMachine(tmp_path, 3, VmImage(tmp_path / "vm"))
    assert not machine.is_running()
    assert machine.boot_id() is None
    with pytest.raises(virtual_machine.MachineError, match="not running"):
        machine.command(["true"])


def test_the_layers_of_a_virtual_machine_lie_over_the_containers(tmp_path: Path):
    for name in ("image-1", "kernel-1", "vm-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "vm-1/base").symlink_to("../image-1")
    (tmp_path / "vm-1/system").symlink_to("../kernel-1")
    image = VmImage(tmp_path / "vm-1")
    below = Image(tmp_path / "image-1").layers
    assert image.layers == (tmp_path / "vm-1/layer", tmp_path / "kernel-1/layer", *below)


def test_addresses_are_read_as_ip_prints_them():
    listed = [
        {"ifname": "lo", "addr_info": [{"local": "::1", "prefixlen": 128, "scope": "host"}]},
        {
            "ifname": "eth0",
            "addr_info": [
                {"local": "10.99.0.4", "prefixlen": 24, "scope": "global"},
                {"local": "fe80::1", "prefixlen": 64, "scope": "link"},
            ],
        },
    ]
    assert network.parse_addresses(json.dumps(listed)) == {"eth0": ["10.99.0.4/24"]}


@pytest.mark.parametrize(
    ("reason", "is_reboot"),
    [("guest-reset", True), ("guest-shutdown", False), (None, False)],
)
def test_qemus_monitor_distinguishes_a_reboot_from_an_end(reason: str | None, is_reboot: bool):
    qmp_messages: list[dict[str, object]] = [{"QMP": {}}, {"return": {}}, {"event": "RESUME"}]
    if reason:
        qmp_messages.append({"event": "SHUTDOWN", "data": {"guest": True, "reason": reason}})
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall("".join(json.dumps(one) + "\n" for one in qmp_messages).encode())
        theirs.shutdown(socket.SHUT_WR)
        assert supervise_vm.watch(ours) == is_reboot


# Commands over a line, both ends of it here.


@pytest.fixture
def enter(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """The command line that runs a command at the line's other end."""
    listener = sockets.listening(tmp_path / "commands.sock")

    def command_line(*argv: str, cwd: str = "/", **env: str) -> list[str]:
        order = {"argv": argv, "env": {"PATH": os.defpath, **env}, "cwd": cwd}
        return [
            *virtual_machine.python_module("lab.machines.command_client"),
            str(tmp_path / "commands.sock"),
            json.dumps(order),
        ]

    with lines.near_end({"commands": command_server.serving}) as near:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    near.carry(listener.accept()[0], "commands")

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield command_line
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
    listener.close()


def test_a_command_has_its_arguments_environment_and_folder(enter: Callable[..., list[str]]):
    script = 'echo "$1 $WORD $(pwd)"; echo trouble >&2; exit 3'
    line = enter("/bin/sh", "-c", script, "sh", "a b", cwd="/usr", WORD="c")
    done = machine_commands.finish(line, "", 10)
    assert (done.stdout, done.stderr, done.returncode) == ("a b c /usr\n", "trouble\n", 3)


def test_a_command_reads_its_input_to_the_end(enter: Callable[..., list[str]]):
    text = "line\n" * 100_000
    assert machine_commands.finish(enter("/bin/cat"), text, 30).stdout == text


def test_commands_run_side_by_side(enter: Callable[..., list[str]]):
    waiting = machine_commands.start(enter("/bin/sleep", "60"))
    assert machine_commands.finish(enter("/bin/echo", "over"), "", 10).stdout == "over\n"
    os.killpg(waiting.pid, signal.SIGKILL)
    waiting.communicate()


def test_a_command_is_killed_with_who_started_it(enter: Callable[..., list[str]], tmp_path: Path):
    pid_file = tmp_path / "pid"
    script = f"echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; sleep 60; :"
    process = machine_commands.start(enter("/bin/sh", "-c", script))
    wait_for(pid_file.exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    inner = Path("/proc") / pid_file.read_text().strip()
    wait_for(lambda: not inner.exists())


def test_a_signal_ends_a_command_with_the_exit_code_of_a_shell(enter: Callable[..., list[str]]):
    done = machine_commands.finish(enter("/bin/sh", "-c", "kill -KILL $$"), "", 10)
    assert done.returncode == 128 + signal.SIGKILL


def test_a_program_that_is_not_there_is_reported(enter: Callable[..., list[str]]):
    done = machine_commands.finish(enter("/no/such/program"), "", 10)
    assert done.returncode == 127
    assert "No such file" in done.stderr


def test_a_command_that_takes_too_long_is_killed(enter: Callable[..., list[str]]):
    with pytest.raises(subprocess.TimeoutExpired):
        machine_commands.finish(enter("/bin/sleep", "60"), "", 0.5)


def test_a_machine_that_nobody_serves_is_lost(tmp_path: Path):
    argv = [
        *virtual_machine.python_module("lab.machines.command_client"),
        str(tmp_path / "none.sock"),
        "{}",
    ]
    done = machine_commands.finish(argv, "", 10)
    assert done.returncode == 255
    assert "does not answer" in done.stderr


def wait_for(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.02)
