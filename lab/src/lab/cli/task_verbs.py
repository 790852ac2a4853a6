# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Verbs that run something in a unit or on a machine: run, exec, ssh, scp, and verbs for tasks."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

from lab.cli import parameters
from lab.cli.output import formatted, printed
from lab.cli.session import CommandError, Session
from lab.cli.verb import Options, Parser, Verb, add_format, comma_list, seconds

RUN_WAIT = 60.0
EXEC_WAIT = 300.0
_NOWHERE = "/dev/null"


def _run_arguments(parser: Parser) -> None:
    parser.add_argument("words", nargs="+", metavar="UNIT... ACTION [KEY=VALUE...]")
    parser.add_argument("--params", metavar="FILE")
    parser.add_argument("--string-args", action="store_true")
    parser.add_argument("--wait", type=seconds, default=RUN_WAIT)
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--utc", action="store_true", help="accepted; times are UTC")
    add_format(parser, "plain", "yaml", "json")


def _parameters(options: Options, words: list[str]) -> dict[str, Any]:
    import yaml  # slow to import, and most commands never need it

    file_parameters: dict[str, Any] = {}
    if options.params:
        text = sys.stdin.read() if options.params == "-" else Path(options.params).read_text()
        file_parameters = yaml.safe_load(text) or {}
    return parameters.from_words(words, file_parameters, strings=options.string_args)


def _run(session: Session, options: Options) -> int:
    words: list[str] = options.words
    units = list(takewhile(lambda word: "/" in word and "=" not in word, words))
    if not units:
        raise CommandError("no unit specified")
    if len(units) == len(words):
        raise CommandError("no action specified")
    action, *pairs = words[len(units) :]
    answer = session.ask("run", units=units, action=action, params=_parameters(options, pairs))
    if "refused" in answer:
        # juju prints this, schedules nothing and exits with 0.
        print(f"Operation {answer['operation']} failed to schedule any tasks:", file=sys.stderr)
        print(answer["refused"], file=sys.stderr)
        return 0
    return _finish(session, options, answer)


def _finish(session: Session, options: Options, answer: dict[str, Any]) -> int:
    """Wait for an operation's tasks and print them; the exit status of run and exec."""
    tasks: dict[str, str] = answer["tasks"]
    _announce(options, answer)
    if options.background:
        if options.format != "plain":
            printed({unit: {"id": task, "unit": unit} for unit, task in tasks.items()}, "json")
        return 0
    waited = session.ask(
        "wait-tasks", tasks=list(tasks.values()), wait=options.wait, timeout=options.wait + 30
    )
    if waited["unfinished"]:
        names = [unit for unit, task in tasks.items() if task in waited["unfinished"]]
        raise CommandError(f"timed out waiting for results from: unit {', '.join(names)}")
    results: dict[str, dict[str, Any]] = {u: waited["finished"][t] for u, t in tasks.items()}
    if options.format == "plain":
        _print_plain(results)
    else:
        printed(results, options.format)
    return _report_failures(results)


def _print_plain(results: dict[str, dict[str, Any]]) -> None:
    """Print what the tasks wrote to their stdout and stderr."""
    sys.stdout.write(
        "".join(_plain(unit, result, len(results)) for unit, result in results.items())
    )
    sys.stderr.write("".join(str(_field(result, "stderr")) for result in results.values()))


def _announce(options: Options, answer: dict[str, Any]) -> None:
    tasks = answer["tasks"]
    plural = "task" if len(tasks) == 1 else "tasks"
    print(f"Running operation {answer['operation']} with {len(tasks)} {plural}", file=sys.stderr)
    for unit, task in tasks.items():
        kind = "unit" if "/" in unit else "machine"
        print(f"  - task {task} on {kind}-{unit.replace('/', '-')}", file=sys.stderr)
    if not options.background:
        print(f"\nWaiting for task {', '.join(tasks.values())}...", file=sys.stderr)


def _field(result: dict[str, Any], name: str) -> Any:
    return result.get("results", {}).get(name, "")


def _plain(unit: str, result: dict[str, Any], count: int) -> str:
    results = dict(result.get("results", {}))
    stdout = str(results.pop("stdout", ""))
    results.pop("stderr", None)
    results.pop("return-code", None)
    text = formatted(results, "yaml") if results else ""
    text += stdout if stdout.endswith("\n") or not stdout else stdout + "\n"
    return f"{unit}:\n{text}" if count > 1 else text


def _report_failures(results: dict[str, dict[str, Any]]) -> int:
    failed = {u: r for u, r in results.items() if not _succeeded(r)}
    if not failed:
        return 0
    lines = ["ERROR the following task failed:"]
    if len(failed) > 1:
        lines = ["ERROR the following tasks failed:"]
    for result in failed.values():
        why = result.get("message") or f"return code {_field(result, 'return-code')}"
        lines.append(f' - id "{result["id"]}" with {why}')
    lines += ["", "use 'juju show-task' to inspect the failure"]
    print("\n".join(lines), file=sys.stderr)
    return 1


def _succeeded(result: dict[str, Any]) -> bool:
    return result["status"] == "completed" and not _field(result, "return-code")


def _exec_arguments(parser: Parser) -> None:
    parser.add_argument("--unit", "-u", action="append", default=[])
    parser.add_argument("--application", "--app", "-a", action="append", default=[])
    parser.add_argument("--machine", action="append", default=[])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--wait", type=seconds, default=EXEC_WAIT)
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--parallel", default="true", help="accepted; means nothing")
    add_format(parser, "plain", "yaml", "json")
    parser.add_argument("command", nargs=argparse.REMAINDER)


def _exec(session: Session, options: Options) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise CommandError("no commands specified")
    answer = session.ask(
        "exec",
        command=" ".join(command),
        units=[unit for text in options.unit for unit in comma_list(text)],
        applications=[app for text in options.application for app in comma_list(text)],
        machines=[machine for text in options.machine for machine in comma_list(text)],
        everywhere=options.all,
        timeout_seconds=options.wait,
    )
    return _finish(session, options, answer)


def _show_task_arguments(parser: Parser) -> None:
    parser.add_argument("task")
    parser.add_argument("--wait", type=seconds, default=0.0)
    add_format(parser, "yaml", "json")


def _show_task(session: Session, options: Options) -> int:
    waited = session.ask(
        "wait-tasks", tasks=[options.task], wait=options.wait, timeout=options.wait + 30
    )
    pending = {"id": options.task, "status": "running"}
    printed(waited["finished"].get(options.task, pending), options.format)
    return 0


def _actions_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("--schema", action="store_true")
    add_format(parser, "default", "yaml", "json")


def _actions(session: Session, options: Options) -> int:
    actions = session.ask("actions", app=options.app)
    if options.format != "default":
        listing = actions if options.schema else {k: v["description"] for k, v in actions.items()}
        printed(listing, options.format)
        return 0
    for name, action in sorted(actions.items()):
        print(f"{name}  {action['description'].strip().splitlines()[0]}")
    return 0


def _ssh_arguments(parser: Parser) -> None:
    parser.add_argument("target", metavar="UNIT|MACHINE")
    for ignored in ("--proxy", "--no-host-key-checks"):
        parser.add_argument(ignored, action="store_true", help="accepted; means nothing")
    parser.add_argument("--pty", default="auto", help="accepted; means nothing")
    parser.add_argument("command", nargs=argparse.REMAINDER)


def _ssh(session: Session, options: Options) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    # ssh joins its arguments and gives them to the remote user's shell.
    shell = ["/bin/sh", "-c", " ".join(command)] if command else ["/bin/bash", "-l"]
    if sys.stdin.isatty() and sys.stdout.isatty():
        # This computer's terminals have no names on the machine, so script(1) makes a terminal
        # there.
        shell = ["/usr/bin/script", "--quiet", "--return", "--command", shlex.join(shell), _NOWHERE]
    target = options.target.rpartition("@")[2]
    entering = session.ask("enter", target=target, argv=shell)
    sys.stdout.flush()
    # The command replaces this process, and keeps its terminal.
    os.execv(entering["argv"][0], entering["argv"])  # noqa: S606


def _scp_arguments(parser: Parser) -> None:
    parser.add_argument("--no-host-key-checks", action="store_true")
    parser.add_argument("--container")
    parser.add_argument("paths", nargs=argparse.REMAINDER, metavar="SOURCE... TARGET")


def _remote(text: str) -> tuple[str, str] | None:
    target, colon, path = text.partition(":")
    if not colon or target.startswith(("/", ".")):
        return None
    return target.rpartition("@")[2], path


def _flags_and_paths(words: list[str]) -> tuple[list[str], list[str]]:
    """The two kinds of words, `--` left out. Raises CommandError for an unknown flag."""
    arguments = [word for word in words if word != "--"]
    flags = [word for word in arguments if word.startswith("-")]
    if unknown := [flag for flag in flags if flag not in ("-r", "-C", "-p")]:
        raise CommandError(f"the lab's scp knows -r, -C and -p only, not {unknown[0]}")
    return flags, [word for word in arguments if word not in flags]


def _scp(session: Session, options: Options) -> int:
    flags, paths = _flags_and_paths(options.paths)
    *sources, target = paths
    if not sources:
        raise CommandError("at least two arguments required")
    for source in sources:
        _copy(session, source, target, recursive="-r" in flags)
    return 0


def _entering(session: Session, target: str, argv: list[str]) -> list[str]:
    return session.ask("enter", target=target, argv=argv)["argv"]


def _copy(session: Session, source: str, target: str, recursive: bool) -> None:
    """Copy with tar through the machines' shells: a machine's /tmp is not in its root."""
    remote = _remote(source)
    from_path = Path((remote[1] if remote else source) or ".")
    recursion = [] if recursive else ["--no-recursion"]
    pack = [*recursion, "-C", str(from_path.parent), "-cf", "-", from_path.name]
    packing = _packing(session, remote[0] if remote else None, pack)
    with subprocess.Popen(packing, stdout=subprocess.PIPE) as reader:
        unpacking = _unpacking(session, target, from_path.name)
        written = subprocess.run(unpacking, stdin=reader.stdout, check=False)
    if reader.returncode or written.returncode:
        raise CommandError(f"cannot copy {source} to {target}")


def _packing(session: Session, machine: str | None, pack: list[str]) -> list[str]:
    """The command that runs tar with the words `pack`, on a machine or on this computer."""
    if machine is None:
        return [shutil.which("tar") or "/bin/tar", *pack]
    # A relative path on a machine starts in root's home, as with scp.
    from_home = ["/bin/sh", "-c", 'cd "$HOME" && exec tar "$@"', "tar", *pack]
    return _entering(session, machine, from_home)


def _unpacking(session: Session, target: str, name: str) -> list[str]:
    """The command that unpacks what was packed under `name`: into a folder, or as the target."""
    unpack = (
        'cd "$HOME" && if [ -d "$1" ]; then exec tar -C "$1" -xf - --no-same-owner; fi; '
        'd=$(mktemp -d) && tar -C "$d" -xf - --no-same-owner && mv -T "$d/$2" "$1" && rmdir "$d"'
    )
    command = ["/bin/sh", "-c", unpack, "unpack"]
    remote = _remote(target)
    if remote is None:
        return [*command, str(Path(target or ".").absolute()), name]
    return _entering(session, remote[0], [*command, remote[1] or ".", name])


VERBS = {
    "run": Verb("Run an action on units.", _run_arguments, _run),
    "exec": Verb("Run a command on units or machines.", _exec_arguments, _exec),
    "show-task": Verb("Show a task's result.", _show_task_arguments, _show_task),
    "actions": Verb("List an application's actions.", _actions_arguments, _actions),
    "ssh": Verb("Open a shell, or run a command, on a machine.", _ssh_arguments, _ssh),
    "scp": Verb("Copy files to and from machines.", _scp_arguments, _scp),
}
