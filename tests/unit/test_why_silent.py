"""Why LXD's daemon ends, as its log has it."""

from __future__ import annotations

import pytest

import why_silent
from silent import Unmountable
from tests.unit.model_units import formed

VOLUME = "fast/lxd-cluster-images"
NESTED = rf'err="Failed to mount images storage: Failed to mount storage volume \"{VOLUME}\": gone"'
LOGS = [
    ("level=info msg=started", None),
    (NESTED, Unmountable("images", VOLUME)),
    (
        'Error: Failed to mount backups storage: Failed to mount storage volume "a/b": gone',
        Unmountable("backups", "a/b"),
    ),
    ("Error: Failed to mount images storage: no such pool", Unmountable("images", "")),
]


@pytest.mark.parametrize(("log", "told"), LOGS)
def test_the_log_says_which_volume_lxd_cannot_mount(log: str, told: Unmountable | None):
    unit = formed(1).units["lxd/0"]
    unit.machine.log = log

    assert why_silent.unmountable(unit.world) == told
