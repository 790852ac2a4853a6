# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Verbs about secrets and storage."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lab.cli.output import print_list, printed
from lab.cli.session import CommandError, Session
from lab.cli.verb import Options, Parser, Verb, add_format, comma_list, key_values


def _content(options: Options) -> dict[str, str]:
    import yaml  # slow to import, and most commands never need it

    values: dict[str, str] = {}
    if options.file:
        values = yaml.safe_load(Path(options.file).read_text(encoding="utf-8")) or {}
    for key, value in key_values(options.words).items():
        if key.endswith("#file"):
            values[key.removesuffix("#file")] = Path(value).read_text(encoding="utf-8")
        else:
            values[key] = value
    return values


def _secret_arguments(parser: Parser) -> None:
    parser.add_argument("name")
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--file")
    parser.add_argument("--info")


def _update_secret_arguments(parser: Parser) -> None:
    _secret_arguments(parser)
    parser.add_argument("--name", dest="new_name")
    parser.add_argument("--auto-prune", action="store_true", help="accepted; means nothing")


def _add_secret(session: Session, options: Options) -> int:
    uri = session.ask("add-secret", name=options.name, content=_content(options), info=options.info)
    print(uri)
    return 0


def _update_secret(session: Session, options: Options) -> int:
    session.ask(
        "update-secret",
        identifier=options.name,
        content=_content(options),
        info=options.info,
        name=options.new_name,
    )
    return 0


def _grant_arguments(parser: Parser) -> None:
    parser.add_argument("identifier")
    parser.add_argument("apps", metavar="APP[,APP...]")


def _grant_secret(session: Session, options: Options) -> int:
    for app in comma_list(options.apps):
        session.ask("grant-secret", identifier=options.identifier, app=app)
    return 0


def _revoke_secret(session: Session, options: Options) -> int:
    for app in comma_list(options.apps):
        session.ask("revoke-secret", identifier=options.identifier, app=app)
    return 0


def _remove_secret_arguments(parser: Parser) -> None:
    parser.add_argument("identifier")
    parser.add_argument("--revision", type=int)


def _remove_secret(session: Session, options: Options) -> int:
    session.ask("remove-secret", identifier=options.identifier, revision=options.revision)
    return 0


def _secrets_arguments(parser: Parser) -> None:
    parser.add_argument("--owner")
    add_format(parser, "tabular", "yaml", "json")


def _secrets(session: Session, options: Options) -> int:
    secrets: dict[str, dict[str, Any]] = session.ask("secrets", owner=options.owner)
    rows = [["ID", "Name", "Owner", "Revision"]]
    for uri, secret in sorted(secrets.items()):
        rows.append([uri, secret.get("name") or "-", secret["owner"], str(secret["revision"])])
    print_list(rows, secrets, options.format)
    return 0


def _show_secret_arguments(parser: Parser) -> None:
    parser.add_argument("identifier")
    parser.add_argument("--reveal", action="store_true")
    parser.add_argument("--revisions", action="store_true")
    parser.add_argument("-r", "--revision", type=int)
    add_format(parser, "yaml", "json")


def _show_secret(session: Session, options: Options) -> int:
    if options.revisions and (options.reveal or options.revision):
        raise CommandError("specify either --revisions or --reveal and --revision")
    secret = session.ask(
        "show-secret",
        identifier=options.identifier,
        reveal=options.reveal,
        revision=options.revision,
    )
    printed(secret, options.format)
    return 0


def _add_storage_arguments(parser: Parser) -> None:
    parser.add_argument("unit")
    parser.add_argument("words", nargs="+", metavar="NAME[=DIRECTIVE]")


def _add_storage(session: Session, options: Options) -> int:
    for word in options.words:
        name, _, directive = word.partition("=")
        added = session.ask("add-storage", unit=options.unit, name=name, directive=directive)
        for storage in added:
            print(f"added storage {storage} to {options.unit}", file=sys.stderr)
    return 0


def _attach_storage_arguments(parser: Parser) -> None:
    parser.add_argument("unit")
    parser.add_argument("storages", nargs="+", metavar="STORAGE")


def _attach_storage(session: Session, options: Options) -> int:
    for storage in options.storages:
        session.ask("attach-storage", unit=options.unit, storage=storage)
    return 0


def _detach_storage_arguments(parser: Parser) -> None:
    parser.add_argument("storages", nargs="+", metavar="STORAGE")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--no-wait", action="store_true", help="accepted; means nothing")


def _detach_storage(session: Session, options: Options) -> int:
    for storage in options.storages:
        session.ask("detach-storage", storage=storage)
    return 0


def _storage_arguments(parser: Parser) -> None:
    add_format(parser, "tabular", "yaml", "json")


def _storage(session: Session, options: Options) -> int:
    status = session.ask("status").get("storage", {})
    rows = [["Storage ID", "Type", "Status", "Units"]]
    for name, storage in sorted(status.get("storage", {}).items()):
        units = ",".join(sorted(storage.get("attachments", {}).get("units", {})))
        rows.append([name, storage["kind"], storage["status"]["current"], units])
    print_list(rows, status, options.format)
    return 0


VERBS = {
    "add-secret": Verb("Add a secret.", _secret_arguments, _add_secret),
    "update-secret": Verb("Change a secret.", _update_secret_arguments, _update_secret),
    "grant-secret": Verb("Let applications read a secret.", _grant_arguments, _grant_secret),
    "revoke-secret": Verb("Take a grant back.", _grant_arguments, _revoke_secret),
    "remove-secret": Verb("Remove a secret.", _remove_secret_arguments, _remove_secret),
    "secrets": Verb("List secrets.", _secrets_arguments, _secrets),
    "show-secret": Verb("Show a secret.", _show_secret_arguments, _show_secret),
    "add-storage": Verb("Add storage to a unit.", _add_storage_arguments, _add_storage),
    "attach-storage": Verb("Attach storage.", _attach_storage_arguments, _attach_storage),
    "detach-storage": Verb("Detach storage.", _detach_storage_arguments, _detach_storage),
    "storage": Verb("List storage.", _storage_arguments, _storage),
}
