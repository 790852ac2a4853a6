# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python -m lab.controller --home HOME`: the lab's daemon. The command line starts it."""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
from pathlib import Path
from types import FrameType

from lab.controller.controller import Controller
from lab.controller.host_provider import MachineProvider


def main() -> int:
    """Serve until told to stop. Ends at once, with 0, when another controller serves this home."""
    parser = argparse.ArgumentParser("lab.controller")
    parser.add_argument("--home", type=Path, required=True)
    home: Path = parser.parse_args().home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "controller.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        controller = Controller(home, MachineProvider(home))

        def stop(_number: int, _frame: FrameType | None) -> None:
            controller.stopped.set()

        signal.signal(signal.SIGTERM, stop)
        controller.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
