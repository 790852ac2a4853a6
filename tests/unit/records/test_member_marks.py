# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's notes about members: tries to move what a leaving member holds."""

from __future__ import annotations

from records import member_marks


def test_tries_are_counted_and_forgotten_once_they_are_over():
    notes = member_marks.with_unmoved("m2", {"a": "x"}, {})
    notes = member_marks.with_unmoved("m2", {"a": "y", "b": "x"}, notes)

    assert member_marks.unmoved("m2", notes) == {
        "a": member_marks.Unmoved(2, "y"),
        "b": member_marks.Unmoved(1, "x"),
    }
    assert member_marks.unmoved("m2", member_marks.with_unmoved("m2", {}, notes)) == {}
    assert member_marks.unmoved("m2", {"unmoved.m2": "somebody else's"}) == {}


def test_the_name_of_a_project_may_have_a_comma():
    stopped = {"a,b/c1": "m0", "default/c2": ""}

    assert member_marks.stopped("m2", member_marks.with_stopped("m2", stopped)) == stopped
    assert member_marks.with_stopped("m2", {}) == {"ran.m2": ""}


def test_what_an_older_charm_noted_is_read():
    assert member_marks.stopped("m2", {"ran.m2": "default/c1,default/c2"}) == {
        "default/c1": "",
        "default/c2": "",
    }
    assert member_marks.stopped("m2", {}) == {}
