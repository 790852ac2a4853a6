# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The model's knowledge of a charm: its metadata, options and actions, from parsed YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Value: TypeAlias = str | bool | int | float
OptionType: TypeAlias = Literal["string", "int", "float", "boolean", "secret"]
Role: TypeAlias = Literal["peer", "provider", "requirer"]

_ROLES: tuple[tuple[str, Role], ...] = (
    ("peers", "peer"),
    ("provides", "provider"),
    ("requires", "requirer"),
)


@dataclass(slots=True)
class Option:
    """One entry of config.yaml."""

    type: OptionType
    default: Value | None = None
    description: str = ""


@dataclass(slots=True)
class Endpoint:
    """One entry of `peers`, `provides` or `requires`."""

    name: str
    role: Role
    interface: str


@dataclass(slots=True)
class StorageSpec:
    """One entry of `storage`. `maximum` None means no limit."""

    type: Literal["filesystem", "block"]
    minimum: int = 1
    maximum: int | None = 1
    location: str = ""
    minimum_size: int = 1024
    """Size in MiB of an instance if the operator names none."""


@dataclass(slots=True)
class ResourceSpec:
    """One entry of `resources`."""

    type: str
    filename: str = ""
    description: str = ""


@dataclass(slots=True)
class ActionSpec:
    """One entry of actions.yaml, its parameters as JSON schema properties."""

    description: str = ""
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    required: list[str] = field(default_factory=list[str])
    additional_properties: bool = False


@dataclass(slots=True)
class CharmInfo:
    """A revision of a charm. `url` names it uniquely, e.g. `local:jammy/lxd-cluster-0`."""

    name: str
    revision: int = 0
    url: str = ""
    endpoints: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    extra_bindings: list[str] = field(default_factory=list[str])
    options: dict[str, Option] = field(default_factory=dict[str, Option])
    actions: dict[str, ActionSpec] = field(default_factory=dict[str, ActionSpec])
    storage: dict[str, StorageSpec] = field(default_factory=dict[str, StorageSpec])
    resources: dict[str, ResourceSpec] = field(default_factory=dict[str, ResourceSpec])
    base_name: str = "ubuntu"
    base_channel: str = "24.04"

    def bindings(self) -> list[str]:
        """The names for `network-get` and `--bind`: endpoints, then extra bindings."""
        return [*self.endpoints, *self.extra_bindings]


def parse_charm(
    metadata: Mapping[str, Any],
    config: Mapping[str, Any],
    actions: Mapping[str, Any],
    revision: int,
) -> CharmInfo:
    """The charm described by parsed metadata.yaml, config.yaml and actions.yaml.

    Raises KeyError when the metadata has no name.
    """
    name = str(metadata["name"])
    return CharmInfo(
        name=name,
        revision=revision,
        url=f"local:{name}-{revision}",
        endpoints=_endpoints(metadata),
        extra_bindings=list(_section(metadata, "extra-bindings")),
        options={
            key: Option(
                type=raw.get("type", "string"),
                default=raw.get("default"),
                description=raw.get("description", ""),
            )
            for key, raw in _section(config, "options").items()
        },
        actions={key: _action(_section(actions, key)) for key in actions},
        storage={key: _storage(raw) for key, raw in _section(metadata, "storage").items()},
        resources={
            key: ResourceSpec(
                type=raw.get("type", "file"),
                filename=raw.get("filename", ""),
                description=raw.get("description", ""),
            )
            for key, raw in _section(metadata, "resources").items()
        },
    )


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A mapping in a document. A part that is empty in YAML is an empty mapping."""
    section: dict[str, Any] | None = document.get(name)
    return section or {}


def _endpoints(metadata: Mapping[str, Any]) -> dict[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    for section, role in _ROLES:
        for name, raw in _section(metadata, section).items():
            endpoints[name] = Endpoint(name=name, role=role, interface=str(raw["interface"]))
    if not any(e.role == "provider" and e.name == "juju-info" for e in endpoints.values()):
        endpoints["juju-info"] = Endpoint(name="juju-info", role="provider", interface="juju-info")
    return endpoints


def _action(raw: Mapping[str, Any]) -> ActionSpec:
    return ActionSpec(
        description=raw.get("description", ""),
        params=_section(raw, "params"),
        required=list(raw.get("required") or []),
        # Juju 3 and later refuse keys that the schema does not name, unless the schema allows them.
        additional_properties=bool(raw.get("additionalProperties", False)),
    )


def _storage(raw: Mapping[str, Any]) -> StorageSpec:
    minimum, maximum = _count(raw.get("multiple"))
    return StorageSpec(
        type=raw["type"],
        minimum=minimum,
        maximum=maximum,
        location=raw.get("location", ""),
        minimum_size=parse_size(str(raw.get("minimum-size", "1G"))),
    )


def _count(multiple: Mapping[str, Any] | None) -> tuple[int, int | None]:
    """Least and most instances, from `multiple: {range: "0-3" | "2+" | "1-" | "1"}`."""
    if multiple is None:
        return 1, 1
    text = str(multiple["range"])
    if text.endswith(("+", "-")):
        return int(text[:-1]), None
    low, _, high = text.partition("-")
    return int(low), int(high or low)


_MIB = {"M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}


def parse_size(text: str) -> int:
    """MiB in a size in Juju's format: a number and M, G, T or P, with or without iB.

    Raises ValueError for anything else.
    """
    number = text.strip().upper().removesuffix("IB").removesuffix("B")
    if number and number[-1] in _MIB:
        return int(float(number[:-1]) * _MIB[number[-1]])
    return int(number)
