# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Verbs about models, the controller and machines."""

from __future__ import annotations

import sys
import time
from typing import Any

from lab.cli.output import print_list, printed
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
    nothing,
    pairs_and_keys,
    seconds,
)

DESTROY_TIMEOUT = 600.0
_POLL_DELAY = 0.2


def _bare(name: str) -> str:
    """The model's name: `controller:user/model` without controller and user."""
    return name.rpartition(":")[2].rpartition("/")[2]


def _version_arguments(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true")
    add_format(parser, "plain", "json", "yaml")


def _version(_: Session, options: Options) -> int:
    from lab.model.rules import VERSIONS, rules_asked_for

    version = f"{VERSIONS[rules_asked_for()]}-ubuntu-amd64"
    if options.format == "plain":
        print(version)
    elif options.all:
        printed({"version": version, "git-commit": "lab", "compiler": "lab"}, options.format)
    else:
        printed(version, options.format)
    return 0


def _model_config_arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="*", metavar="KEY|KEY=VALUE")
    parser.add_argument("--reset")
    add_format(parser, "tabular", "yaml", "json")


def _model_config(session: Session, options: Options) -> int:
    pairs, keys = pairs_and_keys(options.words)
    values = key_values(pairs)
    reset = comma_list(options.reset)
    if values or reset:
        session.ask("set-model-config", values=values, reset=reset)
        return 0
    config = session.ask("model-config")
    if keys:
        if keys[0] not in config:
            raise CommandError(f'key "{keys[0]}" not found in model configuration')
        print(config[keys[0]]["Value"])
        return 0
    rows = [["Attribute", "From", "Value"]]
    rows += [[key, row["Source"], str(row["Value"])] for key, row in sorted(config.items())]
    print_list(rows, config, options.format)
    return 0


def _add_model_arguments(parser: Parser) -> None:
    parser.add_argument("name")
    parser.add_argument("cloud", nargs="?")
    parser.add_argument("--no-switch", action="store_true")
    parser.add_argument("--config", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--credential", help="accepted; means nothing")
    parser.add_argument("-c", "--controller", help="accepted; there is one")
    parser.add_argument("--owner", help="accepted; means nothing")


def _add_model(session: Session, options: Options) -> int:
    config = key_values(options.config)
    session.ask("add-model", name=options.name, config=config, switch=not options.no_switch)
    print(f"Added '{options.name}' model for user 'admin'", file=sys.stderr)
    return 0


def _destroy_model_arguments(parser: Parser) -> None:
    parser.add_argument("name")
    add_confirmation(parser)
    parser.add_argument("-y", "--yes", action="store_true", dest="no_prompt")
    for word in ("--destroy-storage", "--release-storage", "--force", "--no-wait"):
        parser.add_argument(word, action="store_true")
    parser.add_argument("-t", "--timeout", type=seconds, default=DESTROY_TIMEOUT)


def _destroy_model(session: Session, options: Options) -> int:
    name = _bare(options.name)
    confirm(options, f'This command will destroy the "{name}" model and all its resources.')
    print("Destroying model", file=sys.stderr)
    session.ask("destroy-model", name=name, force=options.force)
    deadline = time.monotonic() + options.timeout
    while name in session.ask("models")["names"]:
        if time.monotonic() > deadline:
            raise CommandError(f'timed out waiting for model "{name}" to go')
        time.sleep(_POLL_DELAY)
    print("Model destroyed.", file=sys.stderr)
    return 0


def _models_arguments(parser: Parser) -> None:
    add_format(parser, "tabular", "yaml", "json")


def _models(session: Session, options: Options) -> int:
    models = session.ask("models")
    rows = [["Model"]]
    rows += [[name + ("*" if name == models["current"] else "")] for name in models["names"]]
    entries = [{"name": f"admin/{name}", "short-name": name} for name in models["names"]]
    print_list(rows, {"models": entries, "current-model": models["current"]}, options.format)
    return 0


def _switch_arguments(parser: Parser) -> None:
    parser.add_argument("name", nargs="?")


def _switch(session: Session, options: Options) -> int:
    if options.name:
        session.ask("switch", name=_bare(options.name))
    print(f"lab:admin/{session.ask('models')['current']}")
    return 0


def _show_model_arguments(parser: Parser) -> None:
    parser.add_argument("name", nargs="?")
    add_format(parser, "yaml", "json")


def _show_model(session: Session, options: Options) -> int:
    model = _bare(options.name) if options.name else session.model
    printed(Session(session.home, model).ask("show-model"), options.format)
    return 0


def _add_machine_arguments(parser: Parser) -> None:
    parser.add_argument("placement", nargs="?")
    parser.add_argument("-n", type=int, default=1, dest="count")
    parser.add_argument("--constraints", action="append", default=[], help=CONSTRAINTS)
    for ignored in ("--base", "--disks"):
        parser.add_argument(ignored, help="accepted; means nothing in the lab")


def _add_machine(session: Session, options: Options) -> int:
    if options.placement:
        raise CommandError(f'the lab cannot place a machine at "{options.placement}"')
    for _ in range(options.count):
        machine = session.ask("add-machine", constraints=options.constraints)
        print(f"created machine {machine}", file=sys.stderr)
    return 0


def _remove_machine_arguments(parser: Parser) -> None:
    parser.add_argument("machines", nargs="+", metavar="MACHINE")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--keep-instance", action="store_true")
    parser.add_argument("--no-wait", action="store_true", help="accepted; means nothing")
    add_confirmation(parser)


def _remove_machine(session: Session, options: Options) -> int:
    if options.keep_instance:
        raise CommandError("the lab cannot keep the instance of a removed machine")
    confirm(options, f"This command will remove machine {', '.join(options.machines)}.")
    for machine in options.machines:
        session.ask("remove-machine", machine=machine, force=options.force)
    return 0


def _controllers(_session: Session, _options: Options) -> int:
    print("lab*")
    return 0


def _spaces_arguments(parser: Parser) -> None:
    add_format(parser, "tabular", "yaml", "json")


def _spaces(session: Session, options: Options) -> int:
    spaces: dict[str, list[str]] = session.ask("spaces")
    rows = [["Name", "Subnets"], *([name, ",".join(subnets)] for name, subnets in spaces.items())]
    entries: list[dict[str, Any]] = [
        {"id": str(number), "name": name, "subnets": {subnet: {} for subnet in subnets}}
        for number, (name, subnets) in enumerate(spaces.items())
    ]
    print_list(rows, {"spaces": entries}, options.format)
    return 0


VERBS = {
    "version": Verb("Print the version that the lab stands in for.", _version_arguments, _version),
    "model-config": Verb("Get or set model options.", _model_config_arguments, _model_config),
    "add-model": Verb("Add a model.", _add_model_arguments, _add_model),
    "destroy-model": Verb("Destroy a model.", _destroy_model_arguments, _destroy_model),
    "models": Verb("List models.", _models_arguments, _models),
    "switch": Verb("Choose the current model.", _switch_arguments, _switch),
    "show-model": Verb("Show a model.", _show_model_arguments, _show_model),
    "spaces": Verb("List the model's spaces.", _spaces_arguments, _spaces),
    "controllers": Verb("List controllers.", nothing, _controllers),
    "add-machine": Verb("Add machines.", _add_machine_arguments, _add_machine),
    "remove-machine": Verb("Remove machines.", _remove_machine_arguments, _remove_machine),
}
