# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The files for an overlay's DHCP."""

from __future__ import annotations

from host import overlay_dhcp
from state.facts import OverlayDhcp


def test_its_files_say_where_nothing_may_pass():
    files = overlay_dhcp.files(
        OverlayDhcp(
            "seg-0", "10.9.0.1/24", "10.9.0.16", "10.9.0.31", "02:16:3e:00:00:01", "239.0.0.1"
        )
    )
    by_name = {path.name: text for path, text in files.items()}

    assert 'oifname "seg-0-lxd" ether saddr 02:16:3e:00:00:01 drop' in by_name["filter.nft"]
    assert "table bridge lxd_cluster_seg_0 {" in by_name["filter.nft"]
    assert "dhcp-range=10.9.0.16,10.9.0.31,255.255.255.0,1h" in by_name["dhcp.conf"]
    assert "peers" not in by_name


def test_what_gives_out_addresses_is_not_root():
    files = overlay_dhcp.files(
        OverlayDhcp("lan", "10.0.0.1/24", "10.0.0.16", "10.0.0.31", "00:16:3e:0:0:1", "")
    )

    texts = {path.name: text for path, text in files.items()}
    assert "user=nobody" in texts["dhcp.conf"].splitlines()
    service = texts["lxd-cluster-dhcp-lan.service"].splitlines()
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(service)
    assert not any("CAP_SYS" in line for line in service)
