# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The objects in LXD's URLs, decoded once."""

from __future__ import annotations

import pytest

from lxd.http import api_path
from values import lxd_urls
from values.lxd_urls import Named

URLS = [
    ("/1.0/instances/c1", Named(("instances", "c1"))),
    ("/1.0/instances/c1?project=team%2Ba", Named(("instances", "c1"), "team+a")),
    ("/1.0/instances/c1?project=team+a", Named(("instances", "c1"), "team a")),
    ("/1.0/instances/c1?project=team%252Ba", Named(("instances", "c1"), "team%2Ba")),
    (
        "/1.0/storage-pools/a%2Fb/volumes/custom/x%25?target=m%201&project=p",
        Named(("storage-pools", "a/b", "volumes", "custom", "x%"), "p", "m 1"),
    ),
    ("/1.0", Named(())),
    ("", Named(())),
]


@pytest.mark.parametrize(("url", "named"), URLS)
def test_each_part_is_decoded_once(url: str, named: Named):
    assert lxd_urls.read(url) == named


@pytest.mark.parametrize("name", ["team+a", "a b", "100%", "%2B", "é", "a/b", "a?b&c=d#e"])
def test_both_directions_agree(name: str):
    assert lxd_urls.read(api_path("instances", name)).parts == ("instances", name)


def test_the_object_of_a_url_is_shown_in_words():
    assert (
        str(lxd_urls.read("/1.0/instances/c1?project=team%2Ba")) == "instances/c1 of project team+a"
    )
    assert str(lxd_urls.read("/1.0/profiles/default")) == "profiles/default"
