# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Verbs that only read: status, debug-log, wait-for, show-... and lists."""

from __future__ import annotations

import fnmatch
import sys
import time
from pathlib import Path
from typing import Any, NoReturn, TextIO

from lab.cli.output import print_list, printed
from lab.cli.session import CommandError, Session
from lab.cli.status_text import machines_text, status_text
from lab.cli.verb import Options, Parser, Verb, add_format, seconds
from lab.controller.debug_log import LEVELS, Record

POLL_DELAY = 0.2


def _status_arguments(parser: Parser) -> None:
    parser.add_argument("selectors", nargs="*", metavar="APP|UNIT|MACHINE")
    add_format(parser, "tabular", "json", "yaml")
    parser.add_argument("--watch", type=seconds)
    parser.add_argument("--relations", "--integrations", action="store_true")
    parser.add_argument("--storage", action="store_true")
    parser.add_argument("--color", action="store_true")
    parser.add_argument("--no-color", action="store_true")
    parser.add_argument("--utc", action="store_true", help="accepted; times are UTC")


def _matches(name: str, selectors: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, selector) for selector in selectors)


def _selected(status: dict[str, Any], selectors: list[str]) -> dict[str, Any]:
    """The part of a status that the selectors (applications, units, machines, globs) name."""
    if not selectors:
        return status
    apps: dict[str, Any] = {}
    of_units: set[str] = set()
    for name, app in status["applications"].items():
        named = _matches(name, selectors)
        units = app.get("units", {})
        if not named:
            units = _selected_units(units, selectors)
        if units or named:
            apps[name] = {**app, "units": units}
            of_units |= {unit.get("machine", "") for unit in units.values()}
    machines = {
        name: machine
        for name, machine in status["machines"].items()
        if name in of_units or _matches(name, selectors)
    }
    return {**status, "applications": apps, "machines": machines}


def _selected_units(units: dict[str, Any], selectors: list[str]) -> dict[str, Any]:
    """The units that the selectors name, or whose machine they name."""
    return {
        unit: entry
        for unit, entry in units.items()
        if _matches(unit, selectors) or _matches(entry.get("machine", ""), selectors)
    }


def _status(session: Session, options: Options) -> int:
    colour = options.color or (sys.stdout.isatty() and not options.no_color)
    while True:
        status = _selected(session.ask("status"), options.selectors)
        if options.format != "tabular":
            printed(status, options.format)
        else:
            text = status_text(status, colour, options.relations, options.storage)
            sys.stdout.write(("\x1b[H\x1b[2J" if options.watch else "") + text)
        if not options.watch:
            return 0
        sys.stdout.flush()
        time.sleep(options.watch)


def _log_arguments(parser: Parser) -> None:
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("-n", "--lines", type=int, default=10)
    parser.add_argument("-f", "--tail", action="store_true")
    parser.add_argument("--no-tail", action="store_true")
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("-l", "--level", type=str.upper, choices=LEVELS, default="TRACE")
    parser.add_argument("-i", "--include", action="append", default=[])
    parser.add_argument("-x", "--exclude", action="append", default=[])
    parser.add_argument("--include-module", action="append", default=[])
    parser.add_argument("--exclude-module", action="append", default=[])
    parser.add_argument("--date", action="store_true")
    parser.add_argument("--ms", action="store_true")
    parser.add_argument("--utc", action="store_true", help="accepted; times are UTC")


def _entity_matches(record: Record, patterns: list[str]) -> bool:
    names = [pattern.replace("/", "-") for pattern in patterns]
    return any(
        fnmatch.fnmatchcase(record.entity, name) or fnmatch.fnmatchcase(record.entity, f"*-{name}")
        for name in names
    )


def _wanted(record: Record, options: Options) -> bool:
    """Whether debug-log's filters let a record through."""
    modules: list[str] = options.include_module
    return (
        LEVELS.index(record.level) >= LEVELS.index(options.level)
        and (not options.include or _entity_matches(record, options.include))
        and not _entity_matches(record, options.exclude)
        and (not modules or any(record.module.startswith(module) for module in modules))
        and not any(record.module.startswith(module) for module in options.exclude_module)
    )


def _line(record: Record, options: Options) -> str:
    moment = time.gmtime(record.time)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S" if options.date else "%H:%M:%S", moment)
    if options.ms:
        stamp += f".{int(record.time * 1000) % 1000:03d}"
    return f"{record.entity}: {stamp} {record.level} {record.module} {record.message}"


def _debug_log(session: Session, options: Options) -> int:
    path = Path(session.ask("debug-log")["path"])
    follow = _follows(options)
    with path.open(encoding="utf-8") as log:
        records = [record for line in log if _wanted(record := Record.parse(line), options)]
        if options.limit:
            records = records[-options.limit :]
        elif follow and not options.replay:
            records = records[-options.lines :]
        for record in records:
            print(_line(record, options))
        if follow:
            _follow(log, options)
    return 0


def _follows(options: Options) -> bool:
    """Whether debug-log goes on after the existing records, as it does by default on a terminal."""
    return options.tail or (sys.stdout.isatty() and not options.no_tail and not options.limit)


def _follow(log: TextIO, options: Options) -> NoReturn:
    """Print the wanted records as they are written, from the file's position on, without end."""
    part = ""
    while True:
        sys.stdout.flush()
        part += log.readline()
        if not part.endswith("\n"):
            time.sleep(POLL_DELAY)
            continue
        if _wanted(record := Record.parse(part), options):
            print(_line(record, options))
        part = ""


def _wait_arguments(parser: Parser) -> None:
    parser.add_argument("kind", choices=["application", "unit", "machine", "model"])
    parser.add_argument("name")
    parser.add_argument("--query", default="")
    parser.add_argument("--timeout", type=seconds, default=600.0)
    parser.add_argument("--summary", action="store_true", help="accepted; means nothing")


def _facts(status: dict[str, Any], kind: str, name: str) -> dict[str, str] | None:
    """What a --query may name of the object that is waited for; None if there is no such object."""
    if kind == "model":
        return {"name": status["model"]["name"], "life": "alive", "status": "available"}
    if kind == "machine":
        machine = status["machines"].get(name)
        if machine is None:
            return None
        state = machine["juju-status"]
        return {"life": state.get("life") or "alive", "status": state["current"]}
    app = status["applications"].get(name.partition("/")[0])
    if app is None:
        return None
    if kind == "application":
        state = app["application-status"]
        return {"name": name, "life": app.get("life") or "alive", "status": state["current"]}
    unit = app.get("units", {}).get(name)
    return unit and {
        "name": name,
        "life": unit["juju-status"].get("life") or "alive",
        "workload-status": unit["workload-status"]["current"],
        "workload-message": unit["workload-status"].get("message", ""),
        "agent-status": unit["juju-status"]["current"],
        "status": unit["workload-status"]["current"],
    }


def query_holds(query: str, facts: dict[str, str]) -> bool:
    """Whether `key=="value"` or `key!="value"` terms, joined by && or ||, hold."""
    return any(
        all(_term_holds(term.strip(), facts) for term in group.split("&&"))
        for group in query.split("||")
    )


def _term_holds(term: str, facts: dict[str, str]) -> bool:
    for operator in ("==", "!="):
        key, separator, value = term.partition(operator)
        if separator:
            if key.strip() not in facts:
                raise CommandError(f'"{key.strip()}" cannot be asked for; one of {sorted(facts)}')
            equal = facts[key.strip()] == value.strip().strip("'\"")
            return equal if operator == "==" else not equal
    raise CommandError(f'cannot read the query "{term}": use key=="value", && and ||')


_DEFAULT_QUERIES = {
    "application": 'life=="alive" && status=="active"',
    "unit": 'life=="alive" && workload-status=="active" && agent-status=="idle"',
    "machine": 'life=="alive" && status=="started"',
    "model": 'life=="alive" && status=="available"',
}


def _wait_for(session: Session, options: Options) -> int:
    query = options.query or _DEFAULT_QUERIES[options.kind]
    deadline = time.monotonic() + options.timeout
    while True:
        facts = _facts(session.ask("status"), options.kind, options.name)
        if facts is not None and query_holds(query, facts):
            return 0
        if time.monotonic() > deadline:
            raise CommandError(f'timed out waiting for {options.kind} "{options.name}": {facts}')
        time.sleep(POLL_DELAY)


def _shown(noun: str) -> Any:
    def arguments(parser: Parser) -> None:
        parser.add_argument("names", nargs="+", metavar=noun.upper())
        add_format(parser, "yaml", "json")
        parser.add_argument("--endpoint", help="accepted; means nothing")
        parser.add_argument("--app", action="store_true", help="accepted; means nothing")

    return arguments


def _show_unit(session: Session, options: Options) -> int:
    printed(session.ask("show-unit", units=options.names), options.format)
    return 0


def _show_application(session: Session, options: Options) -> int:
    printed(session.ask("show-application", apps=options.names), options.format)
    return 0


def _machines_arguments(parser: Parser) -> None:
    add_format(parser, "tabular", "yaml", "json")


def _machines(session: Session, options: Options) -> int:
    status = session.ask("status")
    if options.format == "tabular":
        sys.stdout.write(machines_text(status["machines"]))
    else:
        printed({"machines": status["machines"]}, options.format)
    return 0


def _resources_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    add_format(parser, "tabular", "yaml", "json")


def _resources(session: Session, options: Options) -> int:
    resources: list[dict[str, Any]] = session.ask("resources", app=options.app)
    rows = [["Resource", "Supplied by", "Revision"]]
    rows += [[row["name"], row["origin"], str(row["revision"])] for row in resources]
    print_list(rows, {"resources": resources}, options.format)
    return 0


VERBS = {
    "status": Verb(
        "Show the model's applications, units and machines.", _status_arguments, _status
    ),
    "debug-log": Verb("Show the model's log.", _log_arguments, _debug_log),
    "wait-for": Verb("Wait until a query holds.", _wait_arguments, _wait_for),
    "show-unit": Verb("Show units and their relation data.", _shown("unit"), _show_unit),
    "show-application": Verb("Show applications.", _shown("app"), _show_application),
    "machines": Verb("List machines.", _machines_arguments, _machines),
    "resources": Verb("List an application's resources.", _resources_arguments, _resources),
}
