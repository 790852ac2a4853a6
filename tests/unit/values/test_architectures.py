# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Whether a snap runs on a machine."""

from __future__ import annotations

import pytest

from values import architectures


@pytest.mark.parametrize(
    ("snap", "kernel", "runs"),
    [
        (("amd64",), "x86_64", True),
        (("amd64",), "aarch64", False),
        (("arm64", "amd64"), "aarch64", True),
        (("ppc64el",), "ppc64le", True),
        (("s390x",), "s390x", True),
        (("all",), "riscv64", True),
        ((), "x86_64", True),
        (("amd64",), "", True),
    ],
)
def test_a_snap_runs_where_it_names_the_architecture(
    snap: tuple[str, ...], kernel: str, runs: bool
):
    assert architectures.suits(snap, kernel) is runs
