# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Relations with other applications: requests and answers.

A new relation is one file beside this one and one row in `RELATIONS`.
"""

from __future__ import annotations

from typing import Any

from relations import ceph, ovn
from relations.relation import Relation

RELATIONS: tuple[Relation[Any], ...] = (ceph.RELATION, ovn.RELATION)

ENDPOINTS = tuple(endpoint for row in RELATIONS for endpoint in row.endpoints)

__all__ = ["ENDPOINTS", "RELATIONS", "Relation"]
