# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python -m lab.bench clean`: remove what killed benches have left."""

from __future__ import annotations

import argparse
import sys

from lab.bench import slots


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench", description=__doc__)
    parser.add_argument("verb", choices=["clean"])
    parser.parse_args()
    for slot in slots.clean():
        print(f"removed what was left of the bench in {slots.home(slot)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
