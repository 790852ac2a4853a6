# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Constraints: an operator's requirements for machines. The lab uses one, `virt-type`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from lab.model.errors import JujuError

VirtType = Literal["container", "virtual-machine"]
_VIRT_TYPE = "virt-type"


def parse(words: Sequence[str]) -> str:
    """`key=value` words, where an item may contain several, as one text. Raises JujuError."""
    values: dict[str, str] = {}
    for word in " ".join(words).split():
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise JujuError(f'malformed constraint "{word}"')
        values[key] = value
    virt_type_value = values.get(_VIRT_TYPE)
    if virt_type_value is not None and virt_type_value not in get_args(VirtType):
        raise JujuError(
            f"invalid constraint value: virt-type={virt_type_value}\n"
            f"valid values are: {' '.join(get_args(VirtType))}"
        )
    return " ".join(f"{key}={value}" for key, value in sorted(values.items()))


def virt_type(constraints: str) -> VirtType:
    """The kind of machine that the result of `parse` asks for."""
    wanted = f"{_VIRT_TYPE}=virtual-machine"
    return "virtual-machine" if wanted in constraints.split() else "container"
