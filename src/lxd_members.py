"""What takes more than one request to LXD to change one of its members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxd_requests import Requests

_KEPT = ("config", "description", "failure_domain", "groups", "roles")


def set_failure_domain(requests: Requests, name: str, domain: str) -> None:
    """LXD knows in which failure domain a member is."""
    _change(requests, name, {"failure_domain": domain})


def set_role(requests: Requests, role: str, members: Mapping[str, bool]) -> None:
    """These members have a role that LXD lets its operator give, or have it no more."""
    for name, has in members.items():
        roles = set(requests.get(f"cluster/members/{name}")["roles"] or ())
        wanted = roles | {role} if has else roles - {role}
        if wanted != roles:
            _change(requests, name, {"roles": sorted(wanted)})


def _change(requests: Requests, name: str, values: Mapping[str, Any]) -> None:
    path = f"cluster/members/{name}"
    member = requests.get(path)
    body = {key: member[key] for key in _KEPT if key in member}
    if not body.get("groups", True):
        # A join that took the place of one cut short leaves the member in no group, and LXD
        # refuses every change of it that does not name one.
        body["groups"] = ["default"]
    requests.change("put", path, {**body, **values})
