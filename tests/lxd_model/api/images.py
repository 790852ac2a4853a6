# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Images, trusted certificates, warnings, and LXD's list of its options."""

from __future__ import annotations

from typing import Any

from tests.lxd_model import certificates
from tests.lxd_model.api import server, used_by
from tests.lxd_model.api.call import EMPTY, Answer, Call, Handler
from tests.lxd_model.refusal import not_found
from tests.lxd_model.things import Image

_MOMENTS = ("created_at", "expires_at", "last_used_at", "uploaded_at")


def get_images(call: Call) -> Answer:
    """GET /1.0/images: LXD does not tell which members have a copy."""
    asked = call.query.get("all-projects") == "true"
    found = [i for i in call.records.images.values() if asked or i.project == call.project]
    if not call.recursive:
        return Answer([used_by.url("images", i.fingerprint) for i in found])
    return Answer([_image(call, i) for i in found])


def _image(call: Call, image: Image) -> dict[str, Any]:
    found: dict[str, Any] = {
        "fingerprint": image.fingerprint,
        "filename": "",
        "size": 1 << 20,
        "type": "container",
        "public": False,
        "cached": False,
        "auto_update": False,
        "aliases": [],
        "properties": {},
        "architecture": "x86_64",
        **dict.fromkeys(_MOMENTS, "2026-11-28T00:00:00Z"),
        "profiles": ["default"],
    }
    if call.server.generation.modern:
        found["project"] = image.project
    return found


def get_certificates(call: Call) -> Answer:
    """GET /1.0/certificates: those of the members that the cluster trusts."""
    trusted = call.records.trusted
    if not call.recursive:
        return Answer([f"/1.0/certificates/{certificates.fingerprint(c)}" for c in trusted])
    rows: list[dict[str, Any]] = [
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


def patch_certificate(call: Call) -> Answer:
    """PATCH /1.0/certificates/FINGERPRINT: its name."""
    trusted = call.records.trusted
    found = next((c for c in trusted if certificates.fingerprint(c) == call.names[0]), None)
    if found is None:
        raise not_found("Certificate")
    trusted[found] = str(call.body["name"])
    return Answer(EMPTY)


def get_warnings(call: Call) -> Answer:
    """GET /1.0/warnings: bridges that did not start."""
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
    "/1.0/certificates/NAME": {"PATCH": patch_certificate},
    "/1.0/warnings": {"GET": get_warnings},
    "/1.0/metadata/configuration": {"GET": server.configuration},
}
