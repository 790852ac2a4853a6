# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The data of the peer relation: typed, versioned, each field once.

A databag maps strings to strings. Every field is one key with a JSON value, so that `juju
show-unit` is easy to read. A charm ignores fields that a newer charm added, and missing fields have
their defaults: units of two charm revisions can exchange data during a refresh.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

import backends
from values import public_keys
from values.addresses import is_address, is_subnet

if TYPE_CHECKING:
    from typing_extensions import Self

VERSION = 2
"""The version of the data's meaning. A unit that reads a higher one does nothing until it is
refreshed.

2: a cluster has an identity, and the notes in LXD's database are objects.
"""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Databag(_Data):
    version: int = VERSION
    _invalid_key: str = PrivateAttr("")

    @property
    def invalid_key(self) -> str:
        """The key of the databag that is not valid, empty if all are."""
        return self._invalid_key

    def marked_invalid(self, key: str) -> Self:
        """The same data, marked: this key of the databag is not valid."""
        copy = self.model_copy()
        # Not a field: no key of a databag may set it.
        copy._invalid_key = key  # noqa: SLF001 - it is its own
        return copy


class Storage(_Data):
    """A pool as it was made: `auto` resolved, the same on every member."""

    backend: str
    pool: str
    size: str = ""
    user: str = ""
    """Its user in the application's Ceph, empty for other pools."""
    elsewhere: str = ""
    """Its name in a Ceph of the operator's own, empty for other pools."""


class ContributionRequest(_Data):
    """The coordinator asks every member's unit for its contribution to a pool that will be made."""

    pool: str
    backend: str
    serial: str
    """An answer to one request is not valid for the next one, even for the same pool."""
    options: str = ""
    """The devices and the size in the coordinator's options. A unit answers once its own say the
    same: a device that the operator has removed from the list is not used. Empty in an older charm.
    """


class Contribution(_Data):
    """A unit's contribution to a pool: a device, a file or a folder; or why it has none."""

    device: str = ""
    problem: str = ""
    disk: tuple[str, ...] = ()
    """What no other disk than this device has: see `state.facts.Device.unique`."""


class ParentInterface(_Data):
    """A unit's contribution to a network: an interface, or nothing; or why it has none."""

    parent: str = ""
    problem: str = ""
    taken: tuple[str, ...] = ()
    """Subnets of its machine that the charm must not choose for the network."""


class OnParent(_Data):
    """A network with a parent interface on each machine, and the names to look for."""

    name: str
    mode: str
    parents: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    """The members' interfaces. They count if no list of names says what to look for."""
    ports: tuple[tuple[str, ...], ...] = ()
    """For a bridge: the interfaces that are its ports on a member, in each combination."""
    vlan: int = 0
    mtu: int = 0


class Token(_Data):
    """Permission for one unit to join once, sealed to that unit's key."""

    unit: str
    name: str = ""
    """The member that LXD made it for: LXD cancels the token by this name."""
    attempt: int
    sealed: str
    made: float
    """Seconds since the epoch, by the issuer's clock."""
    digest: str = ""
    """When the issuer cancels the token, it checks with this that it was this token and unused."""
    certificate: str = ""
    """Fingerprint of the cluster's certificate in it."""
    adopted: bool = False
    """Another issuer gave the join lock: the unit may be joining with the token of that issuer."""
    pools: tuple[Storage, ...] = ()
    """The cluster's pools when it was made: a joining unit makes its part of each."""
    networks: tuple[OnParent, ...] = ()
    """Networks for which a joining unit must name its parent interface."""


class QueueEntry(_Data):
    """A unit's place in the queue. It is valid only for its attempt."""

    unit: str
    attempt: int = 0


class UnresponsiveDatabase(_Data):
    """A unit's message that the database on its machine does not answer, and how new it is."""

    term: int
    index: int
    """The index of the last entry in its Raft log: see `state.facts.Entry`."""
    without: tuple[str, ...] = ()
    """Addresses of the voters that were called lost when it looked. It answers `lost`."""


class UnitData(_Databag):
    """The data that one unit publishes."""

    name: str = ""
    """The member's name: the machine's hostname."""
    address: str = ""
    key: str = ""
    """Public key (base64) to seal tokens for this unit."""
    lxd: str = ""
    """Version of LXD, empty while it does not run."""
    package: str = ""
    """Version of the installed LXD snap, even if its daemon does not run."""
    revision: str = ""
    """Revision of the LXD snap; x1, x2... for one that is not from the store."""
    arch: str = ""
    """The machine's architecture, by its kernel. Each architecture has its own revisions."""
    channel: str = ""
    """The channel that the LXD snap follows, empty for one that is not from the store."""
    able: bool = False
    """This unit is ready to join, and waits for the join lock."""
    listens: bool = False
    """Whether the LXD of a unit that is to join already listens at its cluster address."""
    attempt: int = 0
    """Number of failed joins. A place in the queue for a lower number is not valid any more."""
    cluster: str = ""
    """Identity of this unit's cluster, if it is a member."""
    fingerprint: str = ""
    """Fingerprint of the current certificate of its LXD."""
    storage: Storage | None = None
    """The default pool, from the unit that made it."""
    snap: str = ""
    """The digest of the installed local snap file, empty for one from the store."""
    attached: str = ""
    """The digest of an attached snap that this unit has fetched and not installed."""
    fits: bool = False
    """Whether this machine can install that snap. The others wait for that before an exchange."""
    token: Token | None = None
    missed: dict[str, int] = {}
    """Units that had a token of this member and did not use it, and for which attempt."""
    refused: dict[str, str] = {}
    """Units that this member cannot admit, with the reason."""
    call: ContributionRequest | None = None
    offers: dict[str, Contribution] = {}
    """Contributions to pools, by the serials of the requests."""
    links: dict[str, ParentInterface] = {}
    """By a network's question to the units."""
    clashes: dict[str, str] = {}
    """By possible name of a wanted bridge: the interface here that LXD would delete, or empty."""
    silent: UnresponsiveDatabase | None = None
    """Set while LXD's database here does not answer."""
    lost: tuple[str, ...] = ()
    """Addresses of voters that recover-quorum here treats as lost: it asks all units for `silent`.
    """
    unsure: bool = False
    """A join began here, and LXD has not answered since: it may be a member."""
    problem: str = ""
    """What this member cannot do without the operator: the application's status shows it."""
    bridges: tuple[str, ...] = ()
    """From the same unit: LXD's bridges, each by its name, followed by its subnets."""
    on_devices: tuple[str, ...] = ()
    """From the same unit: pools whose part on its own member is on a device."""
    sources: dict[str, str] = {}
    """From the same unit: by pool, the source of its own member's part if it is not a device."""
    pools: tuple[Storage, ...] = ()
    """From the same unit: the cluster's pools beside the default one, as in a token."""
    placed: tuple[OnParent, ...] = ()
    """From the same unit: networks on members' interfaces that no option names."""
    removed: tuple[str, ...] = ()
    """From the coordinator: units that the cluster no longer has as members."""
    asked: float = 0.0
    """Since when this unit asks whether the database works without those that it calls `lost`
    (seconds since the epoch, by its own clock), 0 while it does not ask.
    """
    works: dict[str, float] = {}
    """From a unit whose LXD answers: the units that ask about that, each with its `asked`."""
    waits: str = ""
    """What LXD refuses this member only for the moment: the status shows it, too."""
    disks: dict[str, tuple[str, ...]] = {}
    """By pool whose part on this member is on a device: what no other disk than that has."""
    spread: tuple[str, ...] = ()
    """From the coordinator: networks over all members, where each member must run its part."""


class AppData(_Databag):
    """The leader's data for all."""

    bootstrap: str = ""
    """The only unit that may turn its LXD into a cluster."""
    cluster: str = ""
    """The cluster's identity, once it exists."""
    storage: Storage | None = None
    """The default pool."""
    queue: tuple[QueueEntry, ...] = ()
    removed: tuple[str, ...] = ()
    """Units that the cluster no longer has as members, although Juju has them."""
    delegated: bool = False
    """The coordinator looks after members without a unit: Juju's leader is not a member itself, or
    its LXD does not answer, and a unit is gone.
    """


D = TypeVar("D", bound=_Databag)


def load(kind: type[D], databag: Mapping[str, str]) -> D:
    """Reads a databag. An unreadable one counts as not written, with the reason: `invalid_key`."""
    fields: dict[str, object] = {}
    invalid = ""
    for key, text in databag.items():
        if key in kind.model_fields:
            try:
                fields[key] = json.loads(text)
            except (ValueError, RecursionError):
                invalid = invalid or key
    try:
        data = kind.model_validate(fields)
        # Half a character could not be published, and a number without end could not be written.
        json.dumps(fields, ensure_ascii=False).encode()
        invalid = invalid or _malformed(data)
    except ValidationError as error:
        data, invalid = kind(), str(error.errors(include_url=False)[0]["loc"][0])
    except (ValueError, RecursionError):
        data, invalid = kind(), "text"
    if not invalid:
        return data
    # The data of a newer charm may not fit, but the unit must see that they are newer.
    version = fields.get("version")
    data = kind(version=version) if isinstance(version, int) else kind()
    return data.marked_invalid(invalid)


def _malformed(data: _Databag) -> str:
    """The field whose value no charm of this version writes, empty if there is none."""
    if isinstance(data, UnitData):
        return next((name for name, fits in _FORMS.items() if not fits(data)), "")
    if isinstance(data, AppData) and data.storage and data.storage.backend not in backends.BACKENDS:
        return "storage"
    return ""


def _is_bridge(text: str) -> bool:
    """Whether it is a bridge's name, followed by its subnets."""
    name, *subnets = text.split() or [""]
    return bool(name) and all(map(is_subnet, subnets))


_NAME = re.compile(r"[^@\s\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,254}")
"""A member's name: `lxc cluster rename` checks nothing (by source, 5.0 to 6.9)."""

_FORMS: dict[str, Callable[[UnitData], bool]] = {
    "name": lambda data: not data.name or bool(_NAME.fullmatch(data.name)),
    "address": lambda data: not data.address or is_address(data.address),
    "key": lambda data: not data.key or public_keys.is_key(data.key),
    "storage": lambda data: not data.storage or data.storage.backend in backends.BACKENDS,
    "bridges": lambda data: all(map(_is_bridge, data.bridges)),
}
"""By field: whether it has the form that LXD, Juju and the key's cipher give it."""


def dump(data: _Databag) -> dict[str, str]:
    """Writes as few keys as possible: a default is not written."""
    values = data.model_dump(mode="json", exclude_defaults=True)
    # Without the version a newer charm could trust nothing else.
    values["version"] = VERSION
    return {key: json.dumps(value, sort_keys=True) for key, value in values.items()}
