# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Packs the charm for the lab, on this computer and for its own system.

Charmcraft packs only for the system that it runs on. So a copy of the tree names this computer's
platform instead of the users' platforms.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from pack import tree

ROOT = Path(__file__).resolve().parent.parent
# The lab's machines run Debian 12.
MACHINES_PYTHON = (3, 11)
MACHINES_LIBC = "manylinux_2_36"
PACK_TIMEOUT = 600.0  # seconds; a cold cache downloads everything the charm depends on
DEBIAN_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def host_platform(os_release: dict[str, str], machine: str) -> str:
    """The charmcraft platform of a computer, e.g. `debian@12:amd64`.

    Raises:
        KeyError: `machine` (as `uname -m` says it) is not one the charm is packed for.
    """
    return f"{os_release['ID']}@{os_release['VERSION_ID']}:{DEBIAN_ARCHITECTURES[machine]}"


def for_host(project: dict[str, Any], host: str) -> dict[str, Any]:
    """The content of charmcraft.yaml, for one platform and with no snap to install for the build.

    The uv that packs is the one on PATH: a snap would need a store and a running snapd.
    """
    parts = {
        name: {key: value for key, value in part.items() if key != "build-snaps"}
        for name, part in project["parts"].items()
    }
    return {**project, "platforms": {host: None}, "parts": parts}


def other_python(python: tuple[int, int], machine: str) -> str:
    """The build script that replaces the packed venv's packages by those for the lab's machines.

    It compiles nothing, because only that Python could do it. The first hook on each machine
    compiles.

    Args:
        python: the Python of the lab's machines.
        machine: as `uname -m` says it.
    """
    version = f"{python[0]}.{python[1]}"
    packages = f"venv/lib/python{version}/site-packages"
    return f"""\
craftctl default
cd "${{CRAFT_PART_INSTALL}}"
rm -r venv/lib
find . -name __pycache__ -prune -exec rm -r {{}} +
uv export --frozen --no-dev --no-emit-project --project "${{CRAFT_PART_BUILD}}" |
    uv pip install --quiet --python /usr/bin/python3 --require-hashes --only-binary :all: \\
        --python-version {version} --python-platform {machine}-{MACHINES_LIBC} \\
        --target {packages} --requirement -
sed -i 's/^version_info = .*/version_info = {version}/' venv/pyvenv.cfg
"""


def pack(root: Path, work: Path, charmcraft: Path, uv: Path, target: Path) -> None:
    """Pack the charm's files under `root` into the file `target`, working in the folder `work`.

    Raises:
        RuntimeError: charmcraft failed; its output is in the message.
    """
    tree.copy(root, work)
    recipe = work / "charmcraft.yaml"
    host = host_platform(platform.freedesktop_os_release(), platform.machine())
    project = for_host(yaml.safe_load(recipe.read_text()), host)
    if sys.version_info[:2] != MACHINES_PYTHON:
        project["parts"]["charm"]["override-build"] = other_python(
            MACHINES_PYTHON, platform.machine()
        )
    recipe.write_text(yaml.safe_dump(project, sort_keys=False))
    tools = work / ".tools"
    tools.mkdir()
    # Linked one by one: the same folder has Pythons, and the charm must be packed for the system's
    # Python.
    for tool in (uv, charmcraft.with_name("craftctl")):
        (tools / tool.name).symlink_to(tool)
    env = {
        "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": os.environ.get("HOME", "/root"),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [charmcraft, "pack", "--destructive-mode", "--verbosity=verbose"],
        cwd=work,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PACK_TIMEOUT,
        check=False,
    )
    packed = list(work.glob("*.charm"))
    if done.returncode or len(packed) != 1:
        message = f"charmcraft pack failed with {done.returncode}:\n{done.stdout}"
        raise RuntimeError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    packed[0].replace(target)
    shutil.rmtree(work)


def main() -> None:
    """Pack, unless the last packed charm has the same files."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--charmcraft", type=Path, required=True, help="charmcraft's path")
    parser.add_argument("--uv", type=Path, required=True, help="uv's path")
    parser.add_argument("target", type=Path, help="the charm file to write")
    args = parser.parse_args()
    target: Path = args.target.absolute()
    stamp = target.with_suffix(".sha256")
    recipe = Path(__file__).read_text()
    made_of = tree.digest(ROOT, recipe, platform.python_version())
    if target.exists() and stamp.exists() and stamp.read_text() == made_of:
        print(f"{target.name} is up to date")
        return
    began = time.monotonic()
    stamp.unlink(missing_ok=True)
    pack(ROOT, target.parent / "pack-work", args.charmcraft.absolute(), args.uv.absolute(), target)
    stamp.write_text(made_of)
    size = target.stat().st_size / 1e6
    print(f"{target.name} packed: {size:.1f} MB in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
