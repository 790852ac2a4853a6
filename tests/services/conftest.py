"""The integration tests' fixtures, for clusters beside a real Ceph or a real OVN."""

from tests.integration.conftest import cli, deploy, files, juju

__all__ = ["cli", "deploy", "files", "juju"]
