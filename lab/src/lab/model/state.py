# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The world as Juju sees it: plain data, all of it JSON through `pydantic.TypeAdapter(State)`.

Times are seconds since the epoch. Data bags never change in place: a commit replaces the mapping,
so that a unit's cached data stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from lab.model.charm import CharmInfo, Endpoint, Value
from lab.model.faults import Faults
from lab.model.hooks import HookOutcome, HookRun
from lab.model.rules import NEWEST, VERSIONS, Rules

Life: TypeAlias = Literal["alive", "dying"]
Force: TypeAlias = Literal["", "unit", "machine"]
TaskStatus: TypeAlias = Literal["pending", "running", "completed", "failed", "cancelled"]
AgentState: TypeAlias = Literal["allocating", "up", "down"]
DEFAULT_SPACE = "alpha"


@dataclass(slots=True)
class StatusValue:
    """A status word, its message, and its time."""

    current: str
    message: str = ""
    since: float = 0.0
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Interface:
    """A network interface of a machine; addresses as CIDR, e.g. `10.99.0.1/24`, or host names."""

    name: str
    mac: str
    space: str
    addresses: list[str]


@dataclass(slots=True)
class Machine:
    """A machine. The world must make a `pending` one and destroy a `stopping` one."""

    id: str
    since: float
    status: Literal["pending", "started", "down", "stopping"] = "pending"
    hostname: str = ""
    zone: str = ""
    base_name: str = "ubuntu"
    base_channel: str = "24.04"
    constraints: str = ""
    interfaces: list[Interface] = field(default_factory=list[Interface])
    address_version: int = 0
    """Number of changes of the addresses."""


@dataclass(slots=True)
class Running:
    """The hook that a unit's agent runs."""

    run: HookRun
    serial: int
    started: float


@dataclass(slots=True)
class Failure:
    """A failed hook that waits: for the timer (`retry_at`) or for `juju resolved`."""

    run: HookRun
    attempts: int
    retry_at: float | None
    resolution: Literal["", "retry", "skip"] = ""


@dataclass(slots=True)
class UnitRelation:
    """What a unit's agent has already told its charm about one relation."""

    entered: bool = False
    """Whether the agent has joined the relation: from then on the others hear of the unit."""
    created: bool = False
    broken: bool = False
    members: dict[str, int] = field(default_factory=dict[str, int])
    """Remote units whose relation-joined has run, with the version of the data last told."""
    apps: dict[str, int] = field(default_factory=dict[str, int])
    """Remote applications, with the version of the data last told."""
    changed_pending: str = ""
    """The unit whose relation-joined has just run: its relation-changed comes next."""
    cache: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """Members' data as last read. Juju's agent keeps it until a hook about that member
    (uniter/runner/context/cache.go)."""


@dataclass(slots=True)
class Port:
    """An opened range of ports; `endpoint` empty means all."""

    protocol: str
    first: int
    last: int
    endpoint: str = ""


@dataclass(slots=True)
class Unit:
    """A unit, and the state of its agent on the machine."""

    name: str
    app: str
    number: int
    machine: str
    life: Life = "alive"
    agent: AgentState = "allocating"
    workload: StatusValue = field(default_factory=lambda: StatusValue("waiting"))
    status_set: bool = False
    """Whether the charm has ever set the unit's status."""
    agent_since: float = 0.0
    charm: str = ""
    charm_version: int = -1
    installed: bool = False
    started: bool = False
    stopped: bool = False
    leader_accepted: bool = False
    reboot_noted: bool = False
    """The machine came back from a reboot that the charm has not heard of."""
    config_seen: dict[str, Value] | None = None
    trust_seen: bool = False
    addresses_seen: int = -1
    update_status_at: float = 0.0
    queued: HookRun | None = None
    """The hook that must come next: after upgrade-charm, after the first config-changed."""
    running: Running | None = None
    failure: Failure | None = None
    relations: dict[int, UnitRelation] = field(default_factory=dict[int, UnitRelation])
    storage_attached: list[str] = field(default_factory=list[str])
    secrets_told: dict[str, int] = field(default_factory=dict[str, int])
    """The latest revision of a consumed secret that secret-changed has reported."""
    pending_tasks: list[str] = field(default_factory=list[str])
    ports: list[Port] = field(default_factory=list[Port])
    charm_state: dict[str, str] = field(default_factory=dict[str, str])
    version: str = ""
    destroy_storage: bool = False
    force: Force = ""
    """The object of `--force`: the unit, or its machine."""
    out_at: float | None = None
    """When a unit that was removed by force is out of Juju, in any state."""


@dataclass(slots=True)
class Lease:
    """Leadership of an application. An agent that is up renews it every 30 s for 60 s."""

    holder: str
    acquired: float
    expires: float | None = None
    """When it expires; None while the holder's agent is up to renew it."""


@dataclass(slots=True)
class Resource:
    """A file for the charm; the controller sets `path`. Revision 0: none."""

    name: str
    revision: int = 0
    path: str = ""
    fingerprint: str = ""
    size: int = 0
    filename: str = ""


@dataclass(slots=True)
class StorageDirective:
    """The operator's request for one storage name, for each unit."""

    pool: str
    size: int
    count: int


@dataclass(slots=True)
class Application:
    """An application. `config` is what units see, `settings` what the operator has set."""

    name: str
    charm: str
    charm_version: int = 0
    life: Life = "alive"
    settings: dict[str, Value] = field(default_factory=dict[str, Value])
    config: dict[str, Value] = field(default_factory=dict[str, Value])
    trust: bool = False
    exposed: bool = False
    constraints: str = ""
    """The constraints of its machines, as `constraints.parse` returns them."""
    bindings: dict[str, str] = field(default_factory=dict[str, str])
    """Endpoint to space; the empty name is the default."""
    storage: dict[str, StorageDirective] = field(default_factory=dict[str, StorageDirective])
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    status: StatusValue | None = None
    lease: Lease | None = None
    since: float = 0.0


@dataclass(slots=True)
class RelationEnd:
    """One side of a relation."""

    app: str
    endpoint: Endpoint


@dataclass(slots=True)
class Relation:
    """A relation: one end for peers, two otherwise. Data bags by name of unit or application."""

    id: int
    ends: list[RelationEnd]
    life: Life = "alive"
    members: list[str] = field(default_factory=list[str])
    """Units in scope: those that the others must see."""
    data: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    untold: list[str] = field(default_factory=list[str])
    """Removed units: the others do not hear of their departure any more."""


@dataclass(slots=True)
class StorageInstance:
    """A storage instance, `name/number`. Without a location it is still being provisioned."""

    id: str
    name: str
    type: Literal["filesystem", "block"]
    pool: str
    size: int
    since: float
    unit: str = ""
    life: Life = "alive"
    location: str = ""


@dataclass(slots=True)
class SecretRevision:
    """One revision of a secret's content."""

    content: dict[str, str]
    created: float


@dataclass(slots=True)
class Consumer:
    """The reader of a secret: the revision it tracks and the label it gave it."""

    revision: int
    label: str = ""


@dataclass(slots=True)
class Grant:
    """Permission to read a secret, for a unit or an application, for the life of a relation.

    Relation None: granted by the operator (user secrets).
    """

    to: str
    relation_id: int | None


@dataclass(slots=True)
class Secret:
    """A secret; `owner` is a unit's or an application's name, empty for the operator's."""

    uri: str
    owner: str
    label: str = ""
    name: str = ""
    description: str = ""
    rotate: str = "never"
    expire: str = ""
    latest: int = 1
    revisions: dict[int, SecretRevision] = field(default_factory=dict[int, SecretRevision])
    grants: list[Grant] = field(default_factory=list[Grant])
    consumers: dict[str, Consumer] = field(default_factory=dict[str, Consumer])
    obsolete_told: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class Task:
    """An action or a command (`juju exec`) on one unit."""

    id: str
    operation: str
    unit: str
    kind: Literal["action", "exec"]
    name: str
    params: dict[str, Any]
    enqueued: float
    status: TaskStatus = "pending"
    message: str = ""
    results: dict[str, Any] = field(default_factory=dict[str, Any])
    log: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    started: float | None = None
    completed: float | None = None


@dataclass(slots=True)
class HookRecord:
    """A hook that has run."""

    run: HookRun
    started: float
    ended: float
    outcome: HookOutcome
    message: str = ""


@dataclass(slots=True)
class LogLine:
    """A line of the model's log, as `juju debug-log` shows it."""

    time: float
    entity: str
    level: str
    module: str
    message: str


@dataclass(slots=True)
class Model:
    """The Juju model itself."""

    name: str = "lab"
    uuid: str = "00000000-0000-4000-8000-000000000001"
    controller: str = "lab"
    cloud: str = "lab"
    region: str = "default"
    rules: Rules = NEWEST
    created: float = 0.0
    spaces: list[str] = field(default_factory=lambda: [DEFAULT_SPACE])
    spaces_without_subnets: list[str] = field(default_factory=list[str])
    """Those of them in which no machine can be, as `alpha` on a MAAS whose spaces have names."""
    zones: list[str] = field(default_factory=list[str])
    """Availability zones; new machines are put in them in turn."""
    config: dict[str, Value] = field(default_factory=dict[str, Value])

    @property
    def version(self) -> str:
        """The output of `juju version`."""
        return VERSIONS[self.rules]


@dataclass(slots=True)
class Counters:
    """Next numbers. They never go back, even if the object is gone."""

    machine: int = 0
    relation: int = 0
    storage: int = 0
    secret: int = 0
    task: int = 0
    hook: int = 0
    units: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class State:
    """Everything the model knows."""

    model: Model = field(default_factory=Model)
    charms: dict[str, CharmInfo] = field(default_factory=dict[str, CharmInfo])
    machines: dict[str, Machine] = field(default_factory=dict[str, Machine])
    applications: dict[str, Application] = field(default_factory=dict[str, Application])
    units: dict[str, Unit] = field(default_factory=dict[str, Unit])
    relations: dict[int, Relation] = field(default_factory=dict[int, Relation])
    storage: dict[str, StorageInstance] = field(default_factory=dict[str, StorageInstance])
    secrets: dict[str, Secret] = field(default_factory=dict[str, Secret])
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    left_machines: list[str] = field(default_factory=list[str])
    """Machines that still run although Juju no longer has them: they are not released."""
    history: list[HookRecord] = field(default_factory=list[HookRecord])
    log: list[LogLine] = field(default_factory=list[LogLine])
    counters: Counters = field(default_factory=Counters)
    faults: Faults = field(default_factory=Faults)
