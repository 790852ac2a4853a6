# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Parameters of `juju run`, read from the command line as Juju's client reads them.

It reads each value as YAML, by the rules of Go's yaml.v2, and sends the result as JSON. With
`--string-args` it leaves values as they are. In both cases, dots in a key make maps.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from lab.cli.session import CommandError

if TYPE_CHECKING:
    from yaml.nodes import Node

_KEY = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGERS = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?(0|[1-9][0-9]*)"), 10),
)
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE"), True),
    **dict.fromkeys(("on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE"), False),
    **dict.fromkeys(("off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_PLAIN = "plain"
"""The tag of a word without quotes and without an explicit tag."""


def from_words(
    words: Iterable[str], parameters: dict[str, Any], *, strings: bool
) -> dict[str, Any]:
    """`parameters`, from a file, overridden by the `key.key=value` words. Raises CommandError."""
    tree = dict(parameters)
    for word in words:
        path, equals, value = word.partition("=")
        if not equals:
            raise CommandError(f'argument "{word}" must be of the form key.key.key...=value')
        keys = path.split(".")
        for key in keys:
            if not _KEY.fullmatch(key):
                raise CommandError(
                    f'key "{key}" must start and end with lowercase alphanumeric, '
                    "and contain only lowercase alphanumeric and hyphens"
                )
        _put(tree, keys, value if strings else _value(value))
    return tree


def _put(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    tree[keys[-1]] = value


def _value(text: str) -> Any:
    """A value as the client reads it. An empty document leaves the value as it is."""
    import yaml  # slow to import, and most commands never need it

    try:
        node = cast("Node | None", yaml.compose(text, Loader=_loader()))  # pyright: ignore[reportUnknownMemberType]
    except yaml.YAMLError as error:
        message = " ".join(str(error).split())
        raise CommandError(f"yaml: {message}") from None
    return text if node is None else _of_node(node)


def _loader() -> Any:
    """PyYAML's reader of the grammar, without PyYAML's rules for plain words."""
    import yaml

    class Loader(yaml.SafeLoader):
        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            plain = kind is yaml.ScalarNode and implicit[0]
            if plain:
                return _PLAIN
            inherited: Any = super()
            return inherited.resolve(kind, value, implicit)

    return Loader


def _of_node(node: Node) -> Any:
    import yaml

    if isinstance(node, yaml.MappingNode):
        # encoding/json has only maps with text keys, so the client converts the keys.
        raise CommandError("json: unsupported type: map[interface {}]interface {}")
    if isinstance(node, yaml.SequenceNode):
        return [_of_node(item) for item in node.value]
    scalar = cast("yaml.ScalarNode", node)
    value = _resolved(scalar.value) if scalar.tag == _PLAIN else scalar.value
    if isinstance(value, float) and not math.isfinite(value):
        word = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise CommandError(f"json: unsupported value: {word}")
    return value


def _resolved(word: str) -> Any:
    """A plain word as Go's yaml.v2 reads it. Times stay strings."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in "+-.0123456789":
        return word
    number = word.replace("_", "")
    integer = _integer(number)
    if integer is not None:
        return integer
    if _FLOAT.fullmatch(number):
        value = float(number)
        if math.isinf(value):
            return word
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    return word


def _integer(number: str) -> int | None:
    """The value of an integer, None for other text and for one that does not fit into 64 bits."""
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(number):
            value = int(number.replace("o", "").replace("O", "") if base == 8 else number, base)
            return value if _SMALLEST <= value <= _LARGEST else None
    return None
