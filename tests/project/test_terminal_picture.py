# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The picture of a terminal in the README."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from pack.terminal_picture import picture

SVG = "{http://www.w3.org/2000/svg}"


def texts(printed: str) -> list[str]:
    root = ET.fromstring(picture("make demo", printed))
    return ["".join(row.itertext()) for row in root.iter(f"{SVG}text")]


def test_each_line_is_shown_as_it_was_printed():
    assert texts("  1.0 s  a <b> & c\n\n+--+\n") == ["$ make demo", "  1.0 s  a <b> & c", "+--+"]


def test_a_status_has_a_color():
    root = ET.fromstring(picture("make demo", "lxd-cluster/0  active  member m0, voter"))
    assert [span.text for span in root.iter(f"{SVG}tspan")] == ["active"]


def test_the_longest_line_fits():
    root = ET.fromstring(picture("make demo", "x" * 200))
    assert float(root.attrib["viewBox"].split()[2]) >= 200 * 7.6
