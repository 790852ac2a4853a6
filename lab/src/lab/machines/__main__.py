# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python -m lab.machines`: maintains machines when no controller runs."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from lab.machines import built, claims, host, image, teardown
from lab.machines.programs import MachineError


def main() -> int:
    """Carry out the verb of the command line; the exit status is its result."""
    parser = argparse.ArgumentParser(prog="python -m lab.machines")
    verbs = parser.add_subparsers(dest="verb", required=True)
    clean = verbs.add_parser("clean", help="remove every machine of a lab, also after a crash")
    clean.add_argument("--home", type=Path, required=True, help="the lab's folder")
    build = verbs.add_parser("image", help="build the machines' image, unless it is there")
    build.add_argument(
        "--cache", type=Path, default=image.DEFAULT_CACHE, help="(default: %(default)s)"
    )
    verbs.add_parser("free", help="fail if any lab's machines run on this computer")
    verbs.add_parser("check", help="say what this computer lacks")
    arguments = parser.parse_args()
    try:
        return _carry_out(arguments)
    except MachineError as error:
        print(error, file=sys.stderr)
        return 1


def _carry_out(arguments: argparse.Namespace) -> int:
    began = time.monotonic()

    def progress(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)

    return _VERBS[arguments.verb](arguments, progress)


def _clean(arguments: argparse.Namespace, progress: built.Progress) -> int:
    host.clean(arguments.home, progress)
    return 0


def _image(arguments: argparse.Namespace, progress: built.Progress) -> int:
    progress(f"image: {image.ensure_image(arguments.cache, progress).folder}")
    return 0


def _free(_: argparse.Namespace, __: built.Progress) -> int:
    holders = claims.all_holders().items()
    alive = [folder for number, folder in holders if teardown.is_alive(number, folder)]
    homes = sorted({str(folder.parent.parent) for folder in alive})
    for home in homes:
        print(f"Machines of the lab in {home} run: make demo-down LXD_CLUSTER_LAB={home}")
    return 1 if homes else 0


def _check(_: argparse.Namespace, __: built.Progress) -> int:
    packages = host.missing_packages()
    if packages:
        print(f"packages to install: {' '.join(packages)}")
    lacks = host.obstacles()
    print("\n".join(lacks))
    return 1 if packages or lacks else 0


_VERBS = {"clean": _clean, "image": _image, "free": _free, "check": _check}


if __name__ == "__main__":
    sys.exit(main())
