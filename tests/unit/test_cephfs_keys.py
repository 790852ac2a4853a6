# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The keys of a pool of cephfs in each generation of LXD, by its extensions."""

from __future__ import annotations

import pytest

from backends import cephfs
from tests.lxd_model.generations import NAMES, generation
from values.wanted_pool import WantedPool

OLDER, NEWER = {"source": "cephfs/lxd-files"}, {"cephfs.path": "cephfs/lxd-files"}


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_is_named_once(name: str):
    extensions = generation(name).has
    pool = WantedPool("shared", "cephfs", in_ceph="cephfs/lxd-files")

    keys = {
        **cephfs.BACKEND.shared(pool, "lxd", extensions),
        **cephfs.BACKEND.part(pool, "", extensions),
    }

    named = {key: value for key, value in keys.items() if key in ("source", "cephfs.path")}
    assert named == (NEWER if name == "6.9" else OLDER)
