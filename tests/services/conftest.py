"""The integration tests' fixtures, for clusters with a real Ceph or a real OVN."""

from tests.integration.conftest import cli, deploy, files, juju

__all__ = ["cli", "deploy", "files", "juju"]
