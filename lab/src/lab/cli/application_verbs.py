# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Verbs that change applications, units and relations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lab.cli.output import printed
from lab.cli.session import CommandError, Session
from lab.cli.verb import (
    CONSTRAINTS,
    Options,
    Parser,
    Verb,
    add_confirmation,
    add_format,
    comma_list,
    confirm,
    key_values,
    pairs_and_keys,
    request,
)


def _read_yaml(path: str) -> dict[str, Any]:
    import yaml  # slow to import, and most commands never need it

    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise CommandError(f"cannot read {path}: {error}") from None


def _of_app(by_app: dict[str, Any], app: str) -> dict[str, Any]:
    return by_app.get(app) or {}


def _config(words: list[str], app: str) -> dict[str, Any]:
    """Values of --config: `k=v` words (a value of @FILE is read) and YAML files by application."""
    values: dict[str, Any] = {}
    for word in words:
        if "=" in word:
            values.update(_with_files(key_values([word])))
        else:
            values.update(_of_app(_read_yaml(word), app))
    return values


def _with_files(values: dict[str, str]) -> dict[str, str]:
    return {
        key: Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value
        for key, value in values.items()
    }


def _absolute(resources: dict[str, str]) -> dict[str, str]:
    paths: dict[str, str] = {}
    for name, text in resources.items():
        path = Path(text)
        if not path.is_file():
            raise CommandError(f'resource "{name}": no such file: {text}')
        paths[name] = str(path.resolve())
    return paths


def _charm_path(text: str) -> str:
    if not text.startswith(("/", ".")):
        raise CommandError(
            f'the lab has no charm store to find "{text}" in: give the path of a .charm file, '
            "starting with / or ."
        )
    path = Path(text)
    if not path.is_file():
        raise CommandError(f"no charm was found at {text}")
    return str(path.resolve())


def _bindings(text: str | None) -> dict[str, str]:
    """`--bind "endpoint=space space"`; a bare space is the default (empty endpoint)."""
    bindings: dict[str, str] = {}
    for word in (text or "").split():
        endpoint, equals, space = word.partition("=")
        bindings[endpoint if equals else ""] = space if equals else word
    return bindings


def _add_charm_options(parser: Parser) -> None:
    parser.add_argument("--config", action="append", default=[], metavar="KEY=VALUE|FILE")
    parser.add_argument("--resource", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--storage", action="append", default=[], metavar="NAME=DIRECTIVE")
    parser.add_argument("--bind", metavar="ENDPOINT=SPACE")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--trust", action="store_true")
    for ignored in ("--base", "--channel", "--revision"):
        parser.add_argument(ignored, help="accepted; means nothing in the lab")


def _deploy_arguments(parser: Parser) -> None:
    parser.add_argument("charm")
    parser.add_argument("app", nargs="?")
    parser.add_argument("-n", "--num-units", type=int, default=1)
    parser.add_argument("--to")
    parser.add_argument("--constraints", action="append", default=[], help=CONSTRAINTS)
    parser.add_argument("--attach-storage")
    _add_charm_options(parser)


def _deploy(session: Session, options: Options) -> int:
    charm = session.ask("inspect-charm", path=_charm_path(options.charm))
    app = options.app or charm["name"]
    units = session.ask(
        "deploy",
        charm=_charm_path(options.charm),
        app=app,
        num_units=options.num_units,
        config=_config(options.config, app),
        bindings=_bindings(options.bind),
        storage=key_values(options.storage),
        resources=_absolute(key_values(options.resource)),
        to=comma_list(options.to),
        attach_storage=comma_list(options.attach_storage),
        trust=options.trust,
        constraints=options.constraints,
    )
    print(f'Deploying "{app}" from local charm "{charm["name"]}"', file=sys.stderr)
    if options.num_units and not units:
        raise CommandError(f'"{app}" got no units')
    return 0


def _add_unit_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("-n", "--num-units", type=int, default=1)
    parser.add_argument("--to")
    parser.add_argument("--attach-storage")


def _add_unit(session: Session, options: Options) -> int:
    session.ask(
        "add-unit",
        app=options.app,
        num_units=options.num_units,
        to=comma_list(options.to),
        attach_storage=comma_list(options.attach_storage),
    )
    return 0


def _removal_arguments(parser: Parser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--destroy-storage", action="store_true")
    parser.add_argument("--no-wait", action="store_true", help="accepted; means nothing")
    add_confirmation(parser)


def _remove_unit_arguments(parser: Parser) -> None:
    _removal_arguments(parser)
    parser.add_argument("--num-units", type=int, default=0)


def _remove_unit(session: Session, options: Options) -> int:
    if options.num_units:
        raise CommandError("--num-units is for Kubernetes models: name the units to remove")
    confirm(options, f"This command will remove unit {', '.join(options.names)}.")
    for unit in options.names:
        session.ask(
            "remove-unit",
            unit=unit,
            force=options.force,
            destroy_storage=options.destroy_storage,
        )
        print(f"will remove unit {unit}", file=sys.stderr)
    return 0


def _remove_application(session: Session, options: Options) -> int:
    confirm(options, f"This command will remove application {', '.join(options.names)}.")
    for app in options.names:
        session.ask(
            "remove-application",
            app=app,
            force=options.force,
            destroy_storage=options.destroy_storage,
        )
        print(f"will remove application {app}", file=sys.stderr)
    return 0


def _config_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("words", nargs="*", metavar="KEY|KEY=VALUE")
    parser.add_argument("--file")
    parser.add_argument("--reset")
    add_format(parser, "yaml", "json")


def _config_verb(session: Session, options: Options) -> int:
    pairs, keys = pairs_and_keys(options.words)
    values = _with_files(key_values(pairs))
    if options.file:
        values = {**_of_app(_read_yaml(options.file), options.app), **values}
    reset = comma_list(options.reset)
    if keys and (values or reset or len(keys) > 1):
        raise CommandError("cannot get and set values at the same time")
    if values or reset:
        session.ask("set-config", app=options.app, values=values, reset=reset)
        return 0
    config = session.ask("config", app=options.app)
    if keys:
        print(_plain(_setting(config["settings"], keys[0], options.app).get("value", "")))
    else:
        printed(config, options.format)
    return 0


def _setting(settings: dict[str, Any], key: str, app: str) -> dict[str, Any]:
    if key not in settings:
        raise CommandError(f'key "{key}" not found in "{app}" application settings')
    return settings[key]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _integrate_arguments(parser: Parser) -> None:
    parser.add_argument("first", metavar="APP[:ENDPOINT]")
    parser.add_argument("second", metavar="APP[:ENDPOINT]")


def _remove_relation_arguments(parser: Parser) -> None:
    _integrate_arguments(parser)
    parser.add_argument("--force", action="store_true")


def _refresh_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("--path")
    parser.add_argument("--force-base", action="store_true")
    parser.add_argument("--force-units", action="store_true")
    _add_charm_options(parser)


def _refresh(session: Session, options: Options) -> int:
    if not options.path:
        raise CommandError("the lab has no charm store: give --path of a .charm file")
    session.ask(
        "refresh",
        app=options.app,
        charm=_charm_path(options.path),
        resources=_absolute(key_values(options.resource)),
        config=_config(options.config, options.app),
    )
    print(f'Added local charm to the model for "{options.app}"', file=sys.stderr)
    return 0


def _attach_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("resource", metavar="NAME=FILE")


def _attach_resource(session: Session, options: Options) -> int:
    for name, path in _absolute(key_values([options.resource])).items():
        session.ask("attach-resource", app=options.app, name=name, path=path)
    return 0


def _resolved_arguments(parser: Parser) -> None:
    parser.add_argument("units", nargs="*", metavar="UNIT")
    parser.add_argument("--no-retry", action="store_true")
    parser.add_argument("--all", action="store_true")


def _resolved(session: Session, options: Options) -> int:
    if not options.units and not options.all:
        raise CommandError("no unit specified")
    session.ask("resolved", units=options.units, retry=not options.no_retry)
    return 0


def _trust_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("--remove", action="store_true")
    parser.add_argument("--scope")


def _trust(session: Session, options: Options) -> int:
    session.ask("trust", app=options.app, trust=not options.remove)
    return 0


def _bind_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("words", nargs="+", metavar="SPACE|ENDPOINT=SPACE")
    parser.add_argument("--force", action="store_true")


def _bind(session: Session, options: Options) -> int:
    bindings = _bindings(" ".join(options.words))
    session.ask("bind", app=options.app, bindings=bindings, force=options.force)
    return 0


VERBS = {
    "deploy": Verb("Deploy a charm.", _deploy_arguments, _deploy),
    "add-unit": Verb("Add units to an application.", _add_unit_arguments, _add_unit),
    "remove-unit": Verb("Remove units.", _remove_unit_arguments, _remove_unit),
    "remove-application": Verb("Remove applications.", _removal_arguments, _remove_application),
    "config": Verb("Get or set an application's options.", _config_arguments, _config_verb),
    "integrate": Verb(
        "Relate two applications.", _integrate_arguments, request("integrate", "first", "second")
    ),
    "relate": Verb(
        "The same as integrate.", _integrate_arguments, request("integrate", "first", "second")
    ),
    "remove-relation": Verb(
        "Remove a relation.",
        _remove_relation_arguments,
        request("remove-relation", "first", "second"),
    ),
    "refresh": Verb("Replace an application's charm.", _refresh_arguments, _refresh),
    "attach-resource": Verb("Attach a file as a resource.", _attach_arguments, _attach_resource),
    "resolved": Verb("Mark units in error as resolved.", _resolved_arguments, _resolved),
    "bind": Verb("Put an application's endpoints into spaces.", _bind_arguments, _bind),
    "trust": Verb("Set an application's trust.", _trust_arguments, _trust),
}
