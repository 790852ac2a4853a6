# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The lists of options and actions follow from the charm's own files."""

from __future__ import annotations

import pytest

from pack import reference

OPTIONS = """\
options:
  size:
    type: string
    default: ""
    description: |
      A size, e.g. 100GiB,
      for globs such as sd* and `sd*`.
  nat:
    type: boolean
    default: true
    description: Whether it is on.
"""
ACTIONS = """\
wipe:
  description: Takes everything off.
  params:
    device:
      description: Its path.
    confirm:
      description: A word.
  required: [device]
"""
PAGE = """\
# Options

<!-- From config.yaml: `make format` writes it. -->
old
<!-- The end of what is written. -->

More.
"""


def test_an_option_has_its_type_its_default_and_its_description() -> None:
    assert reference.options(OPTIONS) == (
        "### `size`\n\nstring, empty by default\n\n"
        "A size, e.g. 100GiB, for globs such as sd\\* and `sd*`.\n\n"
        "### `nat`\n\nboolean, default `true`\n\nWhether it is on."
    )


def test_an_action_has_its_parameters() -> None:
    assert reference.actions(ACTIONS) == (
        "### `wipe`\n\nTakes everything off.\n\n"
        "| parameter | | |\n|---|---|---|\n"
        "| `device` | required | Its path. |\n"
        "| `confirm` | optional | A word. |"
    )


def test_what_stands_around_the_list_stays() -> None:
    page = reference.written(PAGE, "config.yaml", "new")

    assert page == PAGE.replace("\nold\n", "\n\nnew\n\n")
    assert reference.written(page, "config.yaml", "new") == page


def test_a_page_without_a_place_is_named() -> None:
    with pytest.raises(ValueError, match=r"actions\.yaml"):
        reference.written(PAGE, "actions.yaml", "new")
