# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The documents' commands of `juju deploy`, `config`, `bind` and the like work."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
import yaml
from pydantic import ValidationError

from lab.model import applications
from lab.model.charm import parse_charm
from options.options import Options, explain
from tests.unit.hook_tools import FILES, ROOT

_METADATA, _CONFIG, _ACTIONS = (yaml.safe_load((ROOT / name).read_text()) for name in FILES)
CHARM = parse_charm(_METADATA, _CONFIG, _ACTIONS, 0)
DEFAULTS = {name: option.default for name, option in CHARM.options.items()}
TAKING = {"-n", "--config", "--bind", "--resource", "--storage", "--to", "--reset"}
"""Options with a value after them."""


def commands(verb: str) -> list[tuple[str, str]]:
    """Every command of that verb about this charm, and its place."""
    return [
        (document.name, re.split(r"  |\.\.\.|, \w+ ", found)[0].strip())
        for document in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
        for found in re.findall(
            rf"juju {verb} (lxd-cluster[^`|;\n]*)", document.read_text().replace("\\\n", "")
        )
    ]


def read(line: str) -> Iterator[tuple[str, str]]:
    """The words after the application: each with its option, if any."""
    words = iter(shlex.split(line, comments=True)[1:])
    for word in words:
        yield (word, next(words)) if word in TAKING else ("", word)


def check_options(pairs: list[str]) -> None:
    """Checks them like Juju and the charm. All of them are set together."""
    given = dict(pair.split("=", 1) for pair in pairs)
    settings = DEFAULTS | applications.parse_settings(CHARM, given)
    Options.model_validate({name.replace("-", "_"): value for name, value in settings.items()})


@pytest.mark.parametrize(("document", "line"), commands("config"))
def test_options_can_be_set_as_shown(document: str, line: str):
    words = list(read(line))

    pairs = [word for option, word in words if option != "--reset"]
    try:
        check_options(pairs)
    except ValidationError as error:
        # One command shows the message about a mistake.
        reason = explain(error).partition(" or ")[0]
        assert f"# blocked: {reason}" in (ROOT / "docs/tutorial" / document).read_text()
    reset = {name for option, word in words if option == "--reset" for name in word.split(",")}
    assert reset <= set(CHARM.options), document


@pytest.mark.parametrize(("document", "line"), commands("deploy"))
def test_the_charm_can_be_deployed_as_shown(document: str, line: str):
    words = list(read(line))
    given = {option: [value for o, value in words if o == option] for option in TAKING}

    check_options(given["--config"])
    assert {option for option, _ in words} <= TAKING, document
    assert {value.partition("=")[0] for value in given["--resource"]} <= set(CHARM.resources)
    assert {value.partition("=")[0] for value in given["--storage"]} <= set(CHARM.storage)
    for bound in given["--bind"]:
        endpoints = [word.rpartition("=")[0] for word in bound.split()]
        # Without a default the others are in a space that has no subnet on a MAAS.
        assert endpoints[0] == "", document
        assert set(endpoints[1:]) <= set(CHARM.bindings()), document


@pytest.mark.parametrize(("document", "line"), commands("bind"))
def test_endpoints_can_be_bound_as_shown(document: str, line: str):
    endpoints = {word.rpartition("=")[0] for _, word in read(line)}

    assert endpoints <= {"", *CHARM.bindings()}, document


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-cluster.md"])
def test_bindings_are_shown_as_a_default_and_the_exceptions(page: str):
    """The walkthrough on MAAS shows both, too."""
    primer = (ROOT / "docs/tutorial/maas-primer.md").read_text()
    for text in ((ROOT / page).read_text(), primer):
        assert re.search(r'--bind "[\w-]+ cluster=[\w-]+"', text), page


def test_commands_are_found_in_the_documents():
    assert [len(commands(verb)) > 2 for verb in ("config", "deploy", "bind")] == [True] * 3
