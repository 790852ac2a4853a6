# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Whether an overlay's DHCP on this machine still works: files, services, packet filter.

A note does not prove that: a firewall that is loaded again flushes the tables of all programs, and
somebody may have stopped or disabled a service.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from host.commands import run

_SYSTEMCTL = "/usr/bin/systemctl"
_NFT = "/usr/sbin/nft"
_RULES = 2
"""In the table of an overlay: see templates/overlay-filter.nft.j2."""


def manifest(files: Mapping[Path, str]) -> str:
    """The note about written files, to find out later whether they have changed."""
    return json.dumps({str(path): _digest(text.encode()) for path, text in sorted(files.items())})


def holds(network: str, manifest_file: Path, services: Iterable[Path]) -> bool:
    """Whether everything in the manifest of a segment exists as written, and works."""
    try:
        files: dict[str, str] = json.loads(manifest_file.read_text())
        same = all(_digest(Path(path).read_bytes()) == digest for path, digest in files.items())
    except (OSError, ValueError):
        return False
    names = [path.name for path in services if path.exists()]
    return same and bool(names) and _run_all(names) and _filters(network)


def table(network: str) -> str:
    """The name of a network's table in the packet filter: see the same template."""
    return "lxd_cluster_" + network.replace("-", "_").replace(".", "_")


def forget_files(manifest_file: Path, but: Collection[Path]) -> None:
    """Removes the files of a manifest, if there is one, except some."""
    try:
        written = [Path(path) for path in json.loads(manifest_file.read_text())]
    except (OSError, ValueError):
        return
    for path in written:
        if path not in but:
            path.unlink(missing_ok=True)


def unfilter(network: str) -> None:
    """Removes everything for a network from the packet filter."""
    _output(_NFT, "delete", "table", "bridge", table(network))


def _run_all(services: list[str]) -> bool:
    """Whether services run, and start after a reboot."""
    shown = _output(_SYSTEMCTL, "show", "--property=ActiveState,UnitFileState", *services)
    states = [line for line in shown.splitlines() if line]
    wanted = {"ActiveState=active", "UnitFileState=enabled"}
    return set(states) == wanted and len(states) == 2 * len(services)


def _filters(network: str) -> bool:
    rules = _output(_NFT, "list", "table", "bridge", table(network)).count(" drop")
    return rules >= _RULES


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _output(*command: str) -> str:
    """A command's output, empty if it fails."""
    try:
        return run(*command)
    except (OSError, subprocess.SubprocessError):
        return ""
