# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python -m tests.bench.record`: record the answers of real daemons while members join and leave.

`make record LXD=FOLDER` writes tests/recordings/VERSION-members.json, and with NEXT=FOLDER
VERSION-to-VERSION.json, about members that wait for the others' version.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from lab.bench.bench import Bench, bench
from lab.machines import image, lxd_folder
from lab.machines.layers import Image
from tests.bench.conftest import NEXT
from tests.bench.recorder import Recorder, Row
from tests.bench.stories import STORIES, waiting_for_the_others

RECORDINGS = Path(__file__).parents[1] / "recordings"


def main() -> int:
    """Record every history."""
    system = image.ensure_image(image.DEFAULT_CACHE, print)
    lxd = lxd_folder.chosen() or system.lxd
    version = lxd_folder.version(lxd, system.rootfs)
    rows = [row for story in STORIES for row in _play(story, system, (lxd,))]
    _write(f"{version}-members", rows)
    for folder in os.environ.get(NEXT, "").split():
        later = Path(folder).resolve()
        story = _waiting(later)
        rows = _play(story, system, (lxd, later))
        _write(f"{version}-to-{lxd_folder.version(later, system.rootfs)}", rows)
    return 0


def _waiting(later: Path) -> Callable[[Bench, Recorder], None]:
    def story(made: Bench, tape: Recorder) -> None:
        waiting_for_the_others(made, tape, later)

    return story


def _play(
    story: Callable[[Bench, Recorder], None], system: Image, lxds: tuple[Path, ...]
) -> list[Row]:
    tape = Recorder()
    with bench(system, lxds) as made:
        story(made, tape)
    return tape.rows


def _write(name: str, rows: list[Row]) -> None:
    path = RECORDINGS / f"{name}.json"
    path.write_text(json.dumps(rows, indent=1) + "\n")
    sys.stdout.write(f"{path}: {len(rows)} answers\n")


if __name__ == "__main__":
    sys.exit(main())
