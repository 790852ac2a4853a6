# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's configuration before anybody sets an option."""

from __future__ import annotations

import yaml

from pack import actions_yaml

CONFIG = {
    name: option["default"]
    for name, option in yaml.safe_load(actions_yaml.OPTIONS.read_text())["options"].items()
}
