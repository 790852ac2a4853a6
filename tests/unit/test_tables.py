# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each row of a table has its texts: an option or the metadata names it, and the documents do."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import backends
import modes
from actions.table import ACTIONS
from options.options import Options
from plan.server import settings
from relations import ENDPOINTS, RELATIONS
from tests.fuzz import relation_data
from tests.unit.hook_tools import FILES, ROOT

METADATA, CONFIG, KNOWN_ACTIONS = (yaml.safe_load((ROOT / name).read_text()) for name in FILES)


def page(name: str) -> str:
    """A page of the documentation."""
    return (ROOT / "docs" / name).read_text()


def rows(text: str, name: str) -> list[str]:
    """The rows of a page's tables that begin with the name."""
    return re.findall(rf"^\| \[?`{re.escape(name)}`.*$", text, re.MULTILINE)


def named(text: str) -> set[str]:
    """The words of a text."""
    return set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", text.lower()))


def described(option: str) -> set[str]:
    """The words of an option's description."""
    return named(CONFIG["options"][option]["description"])


@pytest.mark.parametrize("name", sorted(backends.BACKENDS))
def test_a_backend_is_described(name: str):
    storage = [option for option in CONFIG["options"] if option.startswith(("storage", "ceph"))]
    options = [option for option in storage if name in described(option)]

    assert options
    assert len(rows(page("how-to/storage.md"), name)) == 2, "what it is, and what was tried"


@pytest.mark.parametrize("name", sorted(backends.ALLOWED))
def test_a_backend_of_the_default_pool_is_in_the_options_text(name: str):
    assert name in described("storage-backend")


@pytest.mark.parametrize("name", sorted(modes.MODES))
def test_a_mode_is_described(name: str):
    tables = rows(page("how-to/network.md"), name)

    assert name in described("network-mode")
    assert len(tables) == (1 if name == "none" else 2), "what it is, and what was tried"


KEYS = {"network-parent": "parent", "network-vlan": "vlan", "network-ipv4": "ipv4"}
"""Options that name the modes for which they count: the key of a network in those modes."""


@pytest.mark.parametrize(("option", "key"), KEYS.items())
def test_an_option_names_the_modes_for_which_it_counts(option: str, key: str):
    meant = {mode.name for mode in modes.MODES.values() if key in mode.words}

    assert described(option) & set(modes.MODES) - {"none"} == meant


@pytest.mark.parametrize("key", ["parent", "vlan", "dhcp-ranges", "uplink", "group"])
def test_the_table_of_keys_names_the_modes_for_which_a_key_counts(key: str):
    (row,) = rows(page("how-to/network.md"), key)
    *_, last, _ = row.split("|")

    made = {mode.name for mode in modes.MODES.values() if mode.type and key in mode.words}
    assert named(last) & set(modes.MODES) == made


@pytest.mark.parametrize("row", settings.SETTINGS, ids=lambda row: row.key)
def test_a_key_of_the_server_follows_from_one_option(row: settings.Setting):
    changed = [f for f in Options.model_fields if row.value(_other(f)) != row.value(Options())]

    assert len(changed) == 1
    assert rows(page("reference/options.md"), changed[0].replace("_", "-"))


def _other(field: str) -> Options:
    """The options with another value of this one. It need not be allowed."""
    other: Any = 1 if isinstance(getattr(Options(), field), int) else "other"
    return Options().model_copy(update={field: other})


def test_the_charm_knows_the_options_that_there_are():
    known = {field.replace("_", "-"): of.default for field, of in Options.model_fields.items()}

    assert known == {name: option["default"] for name, option in CONFIG["options"].items()}


def test_the_charm_knows_the_actions_that_there_are():
    assert set(ACTIONS) == set(KNOWN_ACTIONS)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_is_described(name: str):
    assert KNOWN_ACTIONS[name]["description"]
    assert f"\n### `{name}`\n" in page("reference/actions.md")


def test_the_charm_knows_the_relations_that_there_are():
    assert sorted(ENDPOINTS) == sorted(METADATA["requires"])


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_relation_is_described(endpoint: str):
    text = page("reference/relations.md")

    assert METADATA["requires"][endpoint]["description"]
    assert rows(text, endpoint)
    assert f"\n## {endpoint}\n" in text


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_interface_of_a_relation_is_tested(endpoint: str):
    interface = METADATA["requires"][endpoint]["interface"].replace("-", "_")

    assert (ROOT / "tests" / "interface" / f"test_{interface}.py").exists()


def test_answers_of_each_relation_are_fuzzed():
    assert set(relation_data.ANSWERS) == {row.name for row in RELATIONS}


NUMBERS = [name for name, option in CONFIG["options"].items() if option["type"] == "int"]


@pytest.mark.parametrize("name", NUMBERS)
def test_the_range_of_a_number_is_the_one_that_is_checked(name: str):
    """The check, the option's text and the table of changes say the same."""
    with pytest.raises(ValidationError) as refused:
        Options.model_validate({name.replace("-", "_"): 2**40})
    lowest, highest = re.findall(r"(\d+) to (\d+)", str(refused.value))[-1]

    (row,) = rows(page("reference/options.md"), name)
    assert f"{lowest} to {highest}" in row
    assert re.search(
        rf"\b{lowest} to {highest}\b|from {lowest}\.", CONFIG["options"][name]["description"]
    )
