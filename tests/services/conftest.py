# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The integration tests' fixtures, for clusters with a real Ceph or a real OVN."""

from tests.integration.conftest import cli, deploy, files, juju

__all__ = ["cli", "deploy", "files", "juju"]
