# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The operator's requests to one model: the verbs that change or run something."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.controller.model_store import ModelStore
from lab.controller.packed_charms import read_charm
from lab.model.charm import CharmInfo, parse_size
from lab.model.constraints import parse as parse_constraints
from lab.model.errors import JujuError
from lab.model.juju import Juju
from lab.model.state import Resource, StorageDirective


def _directive(text: str, default_pool: str, default_size: int) -> StorageDirective:
    """`pool,size,count` in any order, as --storage takes it; size in MiB."""
    pool, size, count = default_pool, default_size, 1
    for word in text.split(","):
        if word.isdigit():
            count = int(word)
        elif word[:1].isdigit():
            size = parse_size(word)
        elif word:
            pool = word
    return StorageDirective(pool=pool, size=size, count=count)


def _directives(charm: CharmInfo, storage: Mapping[str, str]) -> dict[str, StorageDirective]:
    directives: dict[str, StorageDirective] = {}
    for name, text in storage.items():
        spec = charm.storage.get(name)
        if spec is None:
            raise JujuError(f'charm "{charm.name}" has no store called "{name}"')
        pool = "loop" if spec.type == "block" else "rootfs"
        directives[name] = _directive(text, pool, spec.minimum_size)
    return directives


class Operator:
    """The operator of one model. Raises JujuError for what Juju refuses."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    # Applications and units.

    def deploy(
        self,
        charm: str,
        app: str,
        num_units: int,
        config: Mapping[str, Any],
        bindings: Mapping[str, str],
        storage: Mapping[str, str],
        resources: Mapping[str, str],
        to: Sequence[str],
        attach_storage: Sequence[str],
        trust: bool,
        constraints: Sequence[str],
    ) -> list[str]:
        """Deploy a .charm file; the units' names."""
        with self._store.changing() as juju:
            info = self._add_charm(juju, Path(charm))
            units = juju.deploy(
                self._store.now(),
                info,
                app,
                num_units,
                config=config,
                bindings=bindings,
                storage=_directives(info, storage),
                resources=[
                    self._keep_resource(name, path, info) for name, path in resources.items()
                ],
                to=to,
                trust=trust,
                constraints=parse_constraints(constraints),
            )
            for storage_id in attach_storage:
                juju.attach_storage(units[0], storage_id)
            return units

    def add_unit(
        self, app: str, num_units: int, to: Sequence[str], attach_storage: Sequence[str]
    ) -> list[str]:
        """Add units; their names."""
        with self._store.changing() as juju:
            units = juju.add_units(self._store.now(), app, num_units, to=to)
            for storage_id in attach_storage:
                juju.attach_storage(units[0], storage_id)
            return units

    def remove_unit(self, unit: str, force: bool, destroy_storage: bool) -> None:
        """Make a unit leave."""
        with self._store.changing() as juju:
            now = self._store.now()
            juju.remove_unit(now, unit, force=force, destroy_storage=destroy_storage)

    def remove_application(self, app: str, force: bool, destroy_storage: bool) -> None:
        """Make an application leave, with all its units."""
        with self._store.changing() as juju:
            now = self._store.now()
            juju.remove_application(now, app, force=force, destroy_storage=destroy_storage)

    def set_config(self, app: str, values: Mapping[str, Any], reset: Sequence[str]) -> None:
        """Set options of an application, and reset others."""
        with self._store.changing() as juju:
            if reset:
                juju.reset_config(app, reset)
            if values:
                juju.set_config(app, values)

    def bind(self, app: str, bindings: Mapping[str, str], force: bool) -> None:
        """Put endpoints of an application into other spaces."""
        with self._store.changing() as juju:
            juju.bind(app, bindings, force=force)

    def trust(self, app: str, trust: bool) -> None:
        """Trust an application, or no longer."""
        with self._store.changing() as juju:
            juju.set_trust(app, trusted=trust)

    def refresh(
        self, app: str, charm: str, resources: Mapping[str, str], config: Mapping[str, Any]
    ) -> None:
        """Replace the .charm file of an application."""
        with self._store.changing() as juju:
            info = self._add_charm(juju, Path(charm))
            new_resources = [
                self._keep_resource(name, path, info) for name, path in resources.items()
            ]
            juju.refresh(app, info, new_resources)
            if config:
                juju.set_config(app, config)

    def attach_resource(self, app: str, name: str, path: str) -> None:
        """Give a resource of an application a new file."""
        with self._store.changing() as juju:
            application = juju.state.applications.get(app)
            if application is None:
                raise JujuError(f'application "{app}" not found')
            info = juju.state.charms[application.charm]
            juju.attach_resource(app, self._keep_resource(name, path, info))

    def resolved(self, units: Sequence[str], retry: bool) -> None:
        """Mark units in error as resolved; no names mean all of them."""
        with self._store.changing() as juju:
            in_error = [unit.name for unit in juju.state.units.values() if unit.failure]
            for unit in units or in_error:
                juju.resolved(self._store.now(), unit, retry=retry)

    def integrate(self, first: str, second: str) -> int:
        """Relate two applications; the relation's id."""
        with self._store.changing() as juju:
            return juju.integrate(first, second)

    def remove_relation(self, first: str, second: str) -> None:
        """Remove a relation."""
        with self._store.changing() as juju:
            juju.remove_relation(first, second)

    # Machines, the model.

    def add_machine(self, constraints: Sequence[str]) -> str:
        """Request a machine; its id."""
        with self._store.changing() as juju:
            return juju.add_machine(self._store.now(), constraints=parse_constraints(constraints))

    def remove_machine(self, machine: str, force: bool) -> None:
        """Remove a machine."""
        with self._store.changing() as juju:
            juju.remove_machine(self._store.now(), machine, force=force)

    def set_model_config(self, values: Mapping[str, Any], reset: Sequence[str]) -> None:
        """Set options of the model, and reset others."""
        with self._store.changing() as juju:
            if reset:
                juju.reset_model_config(reset)
            if values:
                juju.set_model_config(values)

    # Secrets and storage.

    def add_secret(self, name: str, content: Mapping[str, str], info: str | None) -> str:
        """Add an operator's secret; its URI."""
        with self._store.changing() as juju:
            uri = juju.add_secret(self._store.now(), name, content)
            juju.state.secrets[uri].description = info or ""
            return uri

    def update_secret(
        self, identifier: str, content: Mapping[str, str], info: str | None, name: str | None
    ) -> None:
        """Change an operator's secret."""
        with self._store.changing() as juju:
            secret = next(
                (s for s in juju.state.secrets.values() if identifier in (s.name, s.uri)), None
            )
            if secret is None:
                raise JujuError(f'secret "{identifier}" not found')
            if content:
                juju.update_secret(self._store.now(), identifier, content)
            secret.description = info or secret.description
            secret.name = name or secret.name

    def grant_secret(self, identifier: str, app: str) -> None:
        """Let an application read an operator's secret."""
        with self._store.changing() as juju:
            juju.grant_secret(identifier, app)

    def revoke_secret(self, identifier: str, app: str) -> None:
        """Revoke a grant."""
        with self._store.changing() as juju:
            juju.revoke_secret(identifier, app)

    def remove_secret(self, identifier: str, revision: int | None) -> None:
        """Remove an operator's secret."""
        if revision is not None:
            raise JujuError("the lab removes a secret with all its revisions only")
        with self._store.changing() as juju:
            juju.remove_secret(identifier)

    def add_storage(self, unit: str, name: str, directive: str) -> list[str]:
        """Give a unit more storage; the instances' ids."""
        with self._store.changing() as juju:
            unit_state = juju.state.units.get(unit)
            if unit_state is None:
                raise JujuError(f'unit "{unit}" not found')
            charm = juju.state.charms[juju.state.applications[unit_state.app].charm]
            storage_directive = _directives(charm, {name: directive})[name]
            return juju.add_storage(self._store.now(), unit, name, storage_directive)

    def attach_storage(self, unit: str, storage: str) -> None:
        """Attach a detached storage instance to a unit."""
        with self._store.changing() as juju:
            juju.attach_storage(unit, storage)

    def detach_storage(self, storage: str) -> None:
        """Detach a storage instance."""
        with self._store.changing() as juju:
            juju.detach_storage(storage)

    # Files.

    def _add_charm(self, juju: Juju, path: Path) -> CharmInfo:
        """Keep a copy of a .charm file under the model's next revision of that charm."""
        name = read_charm(path, 0).name
        revision = sum(charm.name == name for charm in juju.state.charms.values())
        info = read_charm(path, revision)
        charm_file = self._store.folder / "charms" / f"{name}-{revision}.charm"
        shutil.copyfile(path, charm_file)
        return info

    def _keep_resource(self, name: str, path: str, charm: CharmInfo) -> Resource:
        """Keep a copy of a resource's file. Its content determines its name."""
        spec = charm.resources.get(name)
        if spec is None:
            raise JujuError(f'unrecognized resource "{name}"')
        source = Path(path)
        with source.open("rb") as file:
            digest = hashlib.sha384()
            while block := file.read(1 << 20):
                digest.update(block)
        fingerprint = digest.hexdigest()
        kept = self._store.folder / "resources" / fingerprint
        if not kept.exists():
            partial = kept.with_suffix(".new")
            shutil.copyfile(source, partial)
            partial.rename(kept)
        return Resource(
            name=name,
            path=str(kept),
            fingerprint=fingerprint,
            size=source.stat().st_size,
            filename=spec.filename,
        )
