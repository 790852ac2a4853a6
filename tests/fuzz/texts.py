# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Wrong words, YAML and JSON, made from a source of randomness."""

from __future__ import annotations

import json
import random
from typing import Any

WORDS = (
    *("", " ", "auto", "none", "true", "local", "lan", "lxdbr0", "lxd/0", "lxd/1", "lxd/9", "m0"),
    *("zfs", "dir", "btrfs", "ceph", "cephfs", "bcachefs", "bridge", "vxlan", "warp", "ovn", "fan"),
    *("10.0.0.1", "10.0.0.1:8443", "10.0.0.0/33", "fd00::1", "[::1]:8443", "::ffff:1.2.3.4%eth0"),
    *("/dev/sdb", "/dev/../etc/passwd", "/dev/s*", "/dev/[", "100GiB", "1e400", "-1", "007"),
    *("a\nb", "a\r\n[global]\nx = y", "\x00", "\x1b[31mred", "\u2028", "\u202e", "\ud800", "é"),
    *(
        "{{ 7*7 }}",
        "%s%n",
        "$(id)",
        "`id`",
        "; id",
        "../../../x",
        "1" * 400,
        "9" * 5000,
        "a" * 3000,
    ),
    *("AAAA", "====", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "A" * 43 + "="),
    *("[", "]", "{", "}", ":", "-", "&a", "*a", "!!python/object:os.system x", "!!set {a}", "? a"),
)
"""Known words, beside those that are made letter by letter."""

_LETTERS = (
    "aZ09-_./:,*?[]{}&!|>'\"%@`#=~ \n\t\r\x00\x07\x1b\x7f\x85\xa0\u2028\ufeff\ud83d\U0001f600"
)


def word(r: random.Random) -> str:
    """A word with a meaning somewhere, or letters."""
    if r.random() < 0.75:
        return r.choice(WORDS)
    return "".join(r.choice(_LETTERS) for _ in range(r.randrange(12)))


def number(r: random.Random) -> Any:
    """A number, of any size and kind."""
    small = r.randrange(-2, 5)
    return r.choice(
        (small, small, 0, 1, -1, 2**31, 2**63, 10**400, 1.5, float("inf"), float("nan"))
    )


def value(r: random.Random, depth: int = 3) -> Any:
    """Any value that JSON can express."""
    kind = r.randrange(8 if depth else 5)
    if kind < 3:
        return word(r)
    if kind == 3:
        return number(r)
    if kind == 4:
        return r.choice((None, True, False))
    if kind == 5:
        return [value(r, depth - 1) for _ in range(r.randrange(4))]
    return {word(r): value(r, depth - 1) for _ in range(r.randrange(4))}


def _doubling(field: str) -> str:
    """A list in a field of an object: ten million words by repetitions, if they were built."""
    lists = ["&a [x, x, x, x, x, x]"]
    for number in range(8):
        before, own = chr(97 + number), chr(98 + number)
        lists.append(f"&{own} [{', '.join([f'*{before}'] * 6)}]")
    return f"lan: {{{field}: [{', '.join(lists)}]}}"


_BOMBS = (
    *(_doubling("mode: macvlan, parent"), _doubling("mode: bridge, ipv4"), _doubling("devices")),
    "[" * 3000,
    "{a: " * 2000,
    '{"a":' * 30000,
    "[" * 100_000 + "]" * 100_000,
    "- " * 3000 + "x",
    "a: &a [x, x]\n"
    + "\n".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(9)
    ),
    "&a [*a]",
    "lan: &a {mode: bridge, config: *a}",
    "{lan: {mode: bridge, config: {<<: [1]}}}",
    "? [a]\n: b",
    "? {a: b}\n: c",
    "!!timestamp 2026-99-99",
    "!!int x",
    "!!int ''",
    "!!float ''",
    "!!bool x",
    "!!null x",
    "!!binary '='",
    "!!omap [1]",
    "!!pairs [1]",
    "!!int '" + "9" * 5000 + "'",
    "lan: {mode: vlan, vlan: " + "9" * 5000 + "}",
    "lan: {mode: bridge, mtu: 0x" + "f" * 5000 + "}",
    "lan: {mode: bridge, mtu: 190:20:30}",
    "lan: 2026-01-01",
    "a: b: c",
    "%YAML 9.9\n---\na",
    "--- a\n--- b",
    "\ufeffa: b",
    "fast: {backend: dir, size: !!python/name:os.system }",
    "fast: {backend: dir, config: {? [] : x}}",
    "1e999: dir",
    ".nan: dir",
    "=: dir",
    "!!bool '': dir",
    "!!timestamp '': dir",
    "fast: !!timestamp ''",
    "fast: !!int '-'",
    "fast: !!int '0b'",
)


def yaml(r: random.Random) -> str:
    """YAML, or almost YAML."""
    kind = r.randrange(5)
    if kind == 0:
        return r.choice(_BOMBS)
    if kind == 1:
        return word(r)
    text = _as_yaml(_map(r)) if kind < 4 else _as_yaml(value(r))
    return mangled(r, text) if r.random() < 0.4 else text


def _map(r: random.Random) -> dict[str, Any]:
    """A map that looks like pools or networks."""
    fields = (
        "mode",
        "backend",
        "size",
        "devices",
        "parent",
        "vlan",
        "ipv4",
        "ipv6",
        "mtu",
        "config",
    )
    more = (
        "nat",
        "dhcp-ranges",
        "uplink",
        "gateway",
        "ranges",
        "dns",
        "group",
        "domain",
        "osd-pool",
    )
    names = ("fast", "lan", "lan2", "lxdbr0", "up.1")
    words = (
        "bridge",
        "flat",
        "vlan",
        "vxlan",
        "ovn",
        "fan",
        "macvlan",
        "physical",
        "dir",
        "zfs",
        "ceph",
    )

    def one() -> Any:
        more_fields = {r.choice(fields + more): value(r, 2) for _ in range(r.randrange(4))}
        kind = r.choice(("mode", "backend"))
        return r.choice((r.choice(words), {kind: r.choice(words), **more_fields}, value(r, 2)))

    return {r.choice((*names, word(r))): one() for _ in range(r.randrange(1, 4))}


def _as_yaml(data: Any) -> str:
    # JSON is YAML, except for its infinity.
    return json.dumps(data)


def mangled(r: random.Random, text: str) -> str:
    """A text with one part replaced, removed or doubled."""
    at, end = sorted((r.randrange(len(text) + 1), r.randrange(len(text) + 1)))
    return r.choice(
        (
            text[:at] + word(r) + text[at:],
            text[:at] + text[end:],
            text[:end] + text[at:],
            text[:at] + r.choice(_LETTERS) + text[at + 1 :],
        )
    )


def json_text(r: random.Random, data: Any) -> str:
    """A value as JSON; rarely mangled, rarely something that uses much memory or stack."""
    if r.random() < 0.03:
        return r.choice(("[" * 100_000, '{"a":' * 100_000, "9" * 5000, "1e999999", "NaN", "", "{"))
    text = json.dumps(data)
    return mangled(r, text) if r.random() < 0.08 else text
