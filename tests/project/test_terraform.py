# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The Terraform modules are complete, and match the charm's own files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
CHARM = TERRAFORM / "charm"
PRODUCTS = sorted(path for path in (TERRAFORM / "products").iterdir() if path.is_dir())
MODULES = [CHARM, *PRODUCTS]
INPUTS = {
    "app_name",
    "base",
    "channel",
    "config",
    "constraints",
    "endpoint_bindings",
    "machines",
    "model_uuid",
    "resources",
    "revision",
    "storage_directives",
    "units",
}
PROGRAMS = [path for name in ("terraform", "tofu") if (path := shutil.which(name))]


def shown(module: Path) -> str:
    return str(module.relative_to(TERRAFORM))


def text(module: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(module.glob("*.tf")))


def blocks(module: Path, kind: str) -> dict[str, Any]:
    """The blocks of a kind, by their labels, separated by a dot."""
    found: dict[str, Any] = {}
    for path in sorted(module.glob("*.tf")):
        with path.open() as file:
            parsed = hcl2.load(file)
        for block in parsed.get(kind, []):
            labels, body = unwrapped(block)
            found[".".join(labels)] = body
    return found


def unwrapped(block: dict[str, Any], depth: int = 0) -> tuple[list[str], dict[str, Any]]:
    """A block's labels and its body: labels are keys in quotes that stand alone."""
    keys = [key for key in block if not key.startswith("__")]
    if len(keys) == 1 and keys[0].startswith('"') and depth < 2:
        labels, body = unwrapped(block[keys[0]], depth + 1)
        return [keys[0].strip('"'), *labels], body
    return [], block


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())


def options_set(module: Path) -> set[str]:
    """Options of the charm that a product itself sets: the keys with a hyphen in its locals."""
    if not (found := re.search(r"^locals \{.*?^\}$", text(module), re.MULTILINE | re.DOTALL)):
        return set()
    return set(re.findall(r"\b([a-z]+(?:-[a-z0-9]+)+)\s+=", found[0]))


@pytest.mark.parametrize("module", MODULES, ids=shown)
def test_a_module_has_the_usual_files(module: Path) -> None:
    assert {path.name for path in module.glob("*.tf")} == {
        "main.tf",
        "outputs.tf",
        "variables.tf",
        "versions.tf",
    }


@pytest.mark.parametrize("module", MODULES, ids=shown)
def test_variables_and_outputs_are_described(module: Path) -> None:
    described = {**blocks(module, "variable"), **blocks(module, "output")}

    assert described
    assert [name for name, body in described.items() if not body.get("description")] == []


@pytest.mark.parametrize("module", MODULES, ids=shown)
def test_every_variable_is_used_and_no_other(module: Path) -> None:
    used = set(re.findall(r"\bvar\.([a-z_]+)", text(module)))

    assert used == set(blocks(module, "variable"))


def test_the_charm_has_the_inputs_and_outputs_of_the_convention() -> None:
    assert set(blocks(CHARM, "variable")) == INPUTS
    assert set(blocks(CHARM, "output")) == {"app_name", "provides", "requires"}


def test_the_readme_lists_the_inputs() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", (TERRAFORM / "README.md").read_text(), re.MULTILINE)

    assert set(rows) == INPUTS | {"provides", "requires"}


def test_the_outputs_are_the_endpoints_of_the_charm() -> None:
    values = blocks(CHARM, "output")["requires"]["value"]
    endpoints = {str(value).strip('"') for value in values.values()}

    assert endpoints == set(load("metadata.yaml")["requires"])


def test_the_charm_has_the_name_that_it_has_in_the_store() -> None:
    assert f'name     = "{load("metadata.yaml")["name"]}"' in text(CHARM)


@pytest.mark.parametrize("product", PRODUCTS, ids=shown)
def test_products_give_the_charm_its_inputs(product: Path) -> None:
    (module,) = blocks(product, "module").values()
    given = {key for key in module if not key.startswith("__")} - {"source"}

    # A product makes its machines itself.
    assert given == INPUTS - {"machines"}


def test_all_modules_need_the_same_versions() -> None:
    assert {(module / "versions.tf").read_text() for module in MODULES} == {
        (CHARM / "versions.tf").read_text()
    }


ALONE = TERRAFORM / "products" / "alone"


@pytest.mark.parametrize("product", PRODUCTS, ids=shown)
def test_products_have_the_inputs_and_outputs_of_the_one_without_others(product: Path) -> None:
    """Terraform has no types with names, so each product repeats them."""
    variables, outputs = blocks(product, "variable"), blocks(product, "output")

    for name, body in blocks(ALONE, "variable").items():
        assert variables[name] == body
    for name in ("provides", "requires"):
        assert outputs[name] == blocks(ALONE, "output")[name]


@pytest.mark.parametrize("product", PRODUCTS, ids=shown)
def test_products_give_the_charm_the_same_except_its_options(product: Path) -> None:
    (module,), (alone,) = (blocks(path, "module").values() for path in (product, ALONE))

    assert {**module, "config": ""} == {**alone, "config": ""}


@pytest.mark.parametrize("product", PRODUCTS, ids=shown)
def test_products_set_options_that_there_are(product: Path) -> None:
    assert options_set(product) <= set(load("config.yaml")["options"])


def test_options_that_products_set_are_found() -> None:
    assert options_set(TERRAFORM / "products" / "ceph") == {"storage-backend"}
    assert {"network-mode", "ovn-uplink"} <= options_set(TERRAFORM / "products" / "ovn")


@pytest.mark.parametrize("product", PRODUCTS, ids=shown)
def test_products_name_their_applications(product: Path) -> None:
    applications = [
        name.partition(".")[2]
        for name in blocks(product, "resource")
        if name.startswith("juju_application.")
    ]
    components = text(product).partition('output "components"')[2].partition("}")[0]

    assert set(re.findall(r"^    ([a-z_]+) +=", components, re.MULTILINE)) == {
        "lxd_cluster",
        *applications,
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_modules_are_formatted(program: str) -> None:
    """Runs if Terraform or OpenTofu is installed."""
    ran = subprocess.run(
        [program, "fmt", "-check", "-recursive", "-no-color", str(TERRAFORM)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (0, "")
