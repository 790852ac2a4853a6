"""Images, trusted certificates, warnings, and what LXD tells of its options."""

from __future__ import annotations

from typing import Any

from tests.lxd_model import certificates
from tests.lxd_model.api import server, used_by
from tests.lxd_model.api.call import Answer, Call, Handler


_NONE: list[Any] = []


def get_images(call: Call) -> Answer:
    """GET /1.0/images: who has a copy LXD does not tell."""
    asked = call.query.get("all-projects") == "true"
    found = [i for i in call.records.images.values() if asked or i.project == call.project]
    if not call.recursive:
        return Answer([used_by.url("images", i.fingerprint) for i in found])
    rows: list[dict[str, Any]] = [
        {
            "fingerprint": i.fingerprint,
            "filename": "",
            "size": 1 << 20,
            "type": "container",
            "public": False,
            "cached": False,
            "auto_update": False,
            "aliases": _NONE,
            "properties": {},
            "architecture": "x86_64",
            "project": i.project,
        }
        for i in found
    ]
    if not call.server.generation.modern:
        for row in rows:
            del row["project"]
    return Answer(rows)


def get_certificates(call: Call) -> Answer:
    """GET /1.0/certificates: those of the members that the cluster trusts."""
    trusted = call.records.trusted
    if not call.recursive:
        return Answer([f"/1.0/certificates/{certificates.fingerprint(c)}" for c in trusted])
    rows = [
        {
            "name": name,
            "type": "server",
            "restricted": False,
            "projects": [],
            "certificate": certificates.pem(certificate),
            "fingerprint": certificates.fingerprint(certificate),
        }
        for certificate, name in trusted.items()
    ]
    return Answer(rows)


def get_warnings(call: Call) -> Answer:
    """GET /1.0/warnings: bridges that could not be started."""
    rows = [
        {
            "uuid": f"{number:08x}-0000-4000-8000-000000000002",
            "location": member,
            "project": "default",
            "type": "Network unavailable",
            "count": 1,
            "first_seen_at": "2026-11-28T00:00:00Z",
            "last_seen_at": "2026-11-28T00:00:00Z",
            "last_message": "Failed starting: dnsmasq: failed to create listening socket",
            "severity": "high",
            "status": "new",
            "entity_url": f"/1.0/networks/{network.name}",
        }
        for number, network in enumerate(call.records.networks.values())
        for member in sorted(network.broken)
    ]
    return Answer(rows)


ROUTES: dict[str, dict[str, Handler]] = {
    "/1.0/images": {"GET": get_images},
    "/1.0/certificates": {"GET": get_certificates},
    "/1.0/warnings": {"GET": get_warnings},
    "/1.0/metadata/configuration": {"GET": server.configuration},
}
