"""What units tell one another through the peer relation: typed, versioned, each field once.

A databag maps strings to strings. Every field is one key with a JSON value, so that
`juju show-unit` reads well. Fields that a newer charm added are ignored, missing ones have
their default: units of two charm revisions can talk during a refresh.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

import backends
from values import public_keys
from values.addresses import is_address

if TYPE_CHECKING:
    from typing_extensions import Self

VERSION = 2
"""Of the data's meaning. A unit that reads a higher one does nothing until it is refreshed.

2: a cluster has an identity, and the notes in LXD's database are objects.
"""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Databag(_Data):
    version: int = VERSION
    _misread: str = PrivateAttr("")

    @property
    def misread(self) -> str:
        """What of the databag cannot be read or believed, empty where all can."""
        return self._misread

    def doubted(self, what: str) -> Self:
        """The same data, which say that something of the databag is not to be believed."""
        copy = self.model_copy()
        # No field: no key of a databag may set it.
        copy._misread = what  # noqa: SLF001 - it is its own
        return copy


class Storage(_Data):
    """A pool as it was made: `auto` resolved, the same on every member."""

    backend: str
    pool: str
    size: str = ""


class ContributionRequest(_Data):
    """The coordinator asks every member's unit what it gives to a pool that is to be made."""

    pool: str
    backend: str
    serial: str
    """The contribution to one request is none to the next, of the same pool either."""


class Contribution(_Data):
    """What a unit gives to a pool: a device, or without one a file or folder; or why it cannot."""

    device: str = ""
    problem: str = ""


class ParentInterface(_Data):
    """What a unit gives to a network: an interface, or nothing; or why it cannot."""

    parent: str = ""
    problem: str = ""


class OnParent(_Data):
    """A network that is on an interface of each machine, and what that is looked for by."""

    name: str
    mode: str
    parents: tuple[str, ...] = ()


class Token(_Data):
    """Permission for one unit to join once, sealed to that unit's key."""

    unit: str
    name: str = ""
    """The member that LXD made it for: by it the token is cancelled."""
    attempt: int
    sealed: str
    made: float
    """Seconds since the epoch, by the issuer's clock."""
    digest: str = ""
    """By it the issuer knows, when it cancels, whether it was this one that nobody had used."""
    certificate: str = ""
    """Fingerprint of the cluster's certificate that it names."""
    adopted: bool = False
    """Another issuer granted the join lock: the unit may be joining with that one's token."""
    pools: tuple[Storage, ...] = ()
    """The cluster's pools when it was made: whoever joins makes its part of each."""
    networks: tuple[OnParent, ...] = ()
    """Those of its networks then of which whoever joins has to say what they are on there."""


class QueueEntry(_Data):
    """A unit's place in the queue. It counts only for the attempt it was given for."""

    unit: str
    attempt: int = 0


class UnresponsiveDatabase(_Data):
    """A unit's word that the database on its machine answers nothing, and how new it is."""

    term: int
    index: int
    """Of the last entry in its Raft log: see `state.facts.Entry`."""
    without: tuple[str, ...] = ()
    """Addresses of the voters that were said to be lost when it looked. It answers `lost`."""


class UnitData(_Databag):
    """What one unit tells of itself."""

    name: str = ""
    """The member's name: the machine's hostname."""
    address: str = ""
    key: str = ""
    """Public key (base64) that tokens for this unit are sealed to."""
    lxd: str = ""
    """Version of LXD, empty while it is not running."""
    package: str = ""
    """Version of the LXD snap that is installed, whether its daemon runs or not."""
    revision: str = ""
    """Of the LXD snap; x1, x2... for one that is not from the store."""
    arch: str = ""
    """The machine's architecture, as its kernel calls it. Each has revisions of its own."""
    channel: str = ""
    """That the LXD snap follows, empty for one that is not from the store."""
    able: bool = False
    """Nothing but the join lock keeps this unit from joining."""
    listens: bool = False
    """Whether the LXD of a unit that is to join listens at its cluster address already."""
    attempt: int = 0
    """Joins that failed. A place in the queue for a lower number has lapsed."""
    cluster: str = ""
    """Identity of the cluster that this unit is a member of."""
    fingerprint: str = ""
    """Of the certificate that its LXD shows now."""
    storage: Storage | None = None
    """The default pool, told by the unit that made it."""
    snap: str = ""
    """Which local snap file is installed, empty for one from the store."""
    token: Token | None = None
    missed: dict[str, int] = {}
    """Units that had a token of this member and did not use it, and for which attempt."""
    refused: dict[str, str] = {}
    """Units that this member cannot admit, and why."""
    call: ContributionRequest | None = None
    offers: dict[str, Contribution] = {}
    """Contributions to pools, by the serials of the requests."""
    links: dict[str, ParentInterface] = {}
    """By what a network asks of a unit."""
    silent: UnresponsiveDatabase | None = None
    """Told while LXD's database here answers nothing."""
    lost: tuple[str, ...] = ()
    """Addresses of voters that recover-quorum here takes for lost: it asks all for `silent`."""
    unsure: bool = False
    """A join was begun here, and LXD does not answer since: it may be a member."""
    problem: str = ""
    """What this member cannot do without the operator: the application's status tells it."""
    bridges: tuple[str, ...] = ()
    """Told by the same: LXD's bridges, each by its name, and its subnets after that."""
    on_devices: tuple[str, ...] = ()
    """Told by the same: pools of which its own member's part is on a device."""
    waits: str = ""
    """What this member cannot do for the moment, as LXD refuses it: the same."""
    spread: tuple[str, ...] = ()
    """Told by whoever makes networks: those over all members, of which each has to run its part."""


class AppData(_Databag):
    """What the leader writes for all."""

    bootstrap: str = ""
    """The only unit that may turn its LXD into a cluster."""
    cluster: str = ""
    """The cluster's identity, once it exists."""
    storage: Storage | None = None
    """The default pool."""
    queue: tuple[QueueEntry, ...] = ()
    removed: tuple[str, ...] = ()
    """Units that the cluster has no more as members, though Juju has them."""


D = TypeVar("D", bound=_Databag)


def load(kind: type[D], databag: Mapping[str, str]) -> D:
    """Reads a databag. One that cannot be read counts as not written, and says why: `misread`."""
    fields: dict[str, object] = {}
    misread = ""
    for key, text in databag.items():
        if key in kind.model_fields:
            try:
                fields[key] = json.loads(text)
            except (ValueError, RecursionError):
                misread = misread or key
    try:
        data = kind.model_validate(fields)
        # Half a character could be told nobody, and a number without end not be written.
        json.dumps(fields, ensure_ascii=False).encode()
        misread = misread or _malformed(data)
    except ValidationError as error:
        data, misread = kind(), str(error.errors(include_url=False)[0]["loc"][0])
    except (ValueError, RecursionError):
        data, misread = kind(), "text"
    if not misread:
        return data
    # What a newer charm wrote may not fit, but that it is newer must be seen.
    version = fields.get("version")
    data = kind(version=version) if isinstance(version, int) else kind()
    return data.doubted(misread)


def _malformed(data: _Databag) -> str:
    """The field that no charm of this version writes so, empty if there is none."""
    if isinstance(data, UnitData):
        return next((name for name, fits in _FORMS.items() if not fits(data)), "")
    if isinstance(data, AppData) and data.storage and data.storage.backend not in backends.BACKENDS:
        return "storage"
    return ""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")

_FORMS: dict[str, Callable[[UnitData], bool]] = {
    "name": lambda data: not data.name or bool(_NAME.fullmatch(data.name)),
    "address": lambda data: not data.address or is_address(data.address),
    "key": lambda data: not data.key or public_keys.is_key(data.key),
    "storage": lambda data: not data.storage or data.storage.backend in backends.BACKENDS,
}
"""By field: whether it has the form that LXD, Juju and the key's cipher give it."""


def dump(data: _Databag) -> dict[str, str]:
    """Writes as few keys as say the same: a default is not written."""
    values = data.model_dump(mode="json", exclude_defaults=True)
    # Without the version nothing else could be trusted by a newer charm.
    values["version"] = VERSION
    return {key: json.dumps(value, sort_keys=True) for key, value in values.items()}
