# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`juju lab ...`: verbs that Juju does not have: faults, figures, and removing the lab."""

from __future__ import annotations

import argparse
import subprocess
import time

from lab.cli.output import print_list
from lab.cli.session import CommandError, Session, is_running
from lab.cli.verb import CONSTRAINTS, Options, Parser, Verb, add_format, nothing, request, seconds


def _unit_argument(parser: Parser) -> None:
    parser.add_argument("unit")


def _machine_argument(parser: Parser) -> None:
    parser.add_argument("machine")


def _moment_arguments(parser: Parser) -> None:
    parser.add_argument("--after", type=seconds, default=0.0, help="and so long (1s, 200ms) after")
    parser.add_argument("--timeout", type=seconds, default=300.0, help="how long to wait for it")


def _await_message(session: Session, options: Options, message: str) -> str:
    """Wait until a unit's status message matches the glob; the unit."""
    wait = options.timeout
    target = options.target
    unit = session.ask("wait-message", wait + 30, target=target, message=message, wait=wait)
    if unit is None:
        raise CommandError(f'timed out waiting for {target} to say "{message}"')
    time.sleep(options.after)
    return unit


def _kill_hook_arguments(parser: Parser) -> None:
    _target_argument(parser)
    parser.add_argument("--at", metavar="GLOB", help="when the status message fits; else now")
    _moment_arguments(parser)


def _target_argument(parser: Parser) -> None:
    parser.add_argument("target", metavar="UNIT|APP", help="of an application, any unit")


def _kill_hook(session: Session, options: Options) -> int:
    unit = _await_message(session, options, options.at) if options.at else options.target
    print(session.ask("kill-hook", unit=unit))
    return 0


def _at_arguments(parser: Parser) -> None:
    _target_argument(parser)
    parser.add_argument("message", metavar="GLOB", help="of the status message")
    _moment_arguments(parser)
    parser.add_argument("--on", metavar="UNIT", help="run it there instead")
    parser.add_argument("command", nargs=argparse.REMAINDER)


def _at(session: Session, options: Options) -> int:
    unit = _await_message(session, options, options.message)
    shell = ["/bin/sh", "-c", " ".join(options.command)]
    entering = session.ask("enter", target=options.on or unit, argv=shell)
    print(unit, flush=True)
    return subprocess.run(entering["argv"], check=False).returncode


def _fail_goal_state_arguments(parser: Parser) -> None:
    parser.add_argument("message", nargs="?", default="", help="what it says; none: it works again")


def _leader_arguments(parser: Parser) -> None:
    parser.add_argument("app")
    parser.add_argument("unit")


def _hold_arguments(parser: Parser) -> None:
    parser.add_argument("unit")
    parser.add_argument("hook", help="name of the hook (a glob) to stop before")


def _wait_held_arguments(parser: Parser) -> None:
    _unit_argument(parser)
    parser.add_argument("--timeout", type=seconds, default=300.0)


def _wait_held(session: Session, options: Options) -> int:
    wait = options.timeout
    hook = session.ask("wait-held", timeout=wait + 30, unit=options.unit, wait=wait)
    if hook is None:
        raise CommandError(f"timed out waiting for {options.unit} to be held")
    print(hook)
    return 0


def _link_arguments(parser: Parser) -> None:
    parser.add_argument("machine")
    parser.add_argument("interface", choices=["eth0", "eth1"])
    parser.add_argument("state", choices=["up", "down"])


def _hooks_arguments(parser: Parser) -> None:
    parser.add_argument("unit", nargs="?")
    add_format(parser, "tabular", "json")


def _show_hooks(session: Session, options: Options) -> int:
    hooks = session.ask("show-hooks", unit=options.unit)
    rows = [["Unit", "Hook", "Outcome", "Seconds", "CPU seconds"]]
    for hook in hooks:
        figures = [f"{hook['seconds']:.2f}", f"{hook['cpu_seconds']:.2f}"]
        rows.append([hook["unit"], hook["hook"], hook["outcome"], *figures])
    print_list(rows, hooks, options.format)
    return 0


def _down(session: Session, _: Options) -> int:
    from lab.machines import host  # slow to import, and most commands never need it

    if is_running(session.home):
        session.ask("down")
        session.wait_ended()
    # This also removes what a crashed lab has left.
    host.clean(session.home, print)
    return 0


def _prepare_arguments(parser: Parser) -> None:
    parser.add_argument("--constraints", action="append", default=[], help=CONSTRAINTS)


def _prepare(_session: Session, options: Options) -> int:
    # Slow to import, and most commands never need it.
    from lab.machines import image, vm_image
    from lab.model import constraints

    if constraints.virt_type(" ".join(options.constraints)) == "container":
        image.ensure_image(image.DEFAULT_CACHE, print)
    else:
        vm_image.ensure_vm_image(image.DEFAULT_CACHE, print)
    return 0


def _restart(session: Session, _: Options) -> int:
    if is_running(session.home):
        session.ask("stop")
        session.wait_ended()
    session.ask("ping")
    return 0


VERBS = {
    "kill-hook": Verb(
        "Kill a unit's running hook, as if its agent died.", _kill_hook_arguments, _kill_hook
    ),
    "at": Verb("Run a command the moment a unit shows a message.", _at_arguments, _at),
    "power-cut": Verb("Cut a machine's power.", _machine_argument, request("power-cut", "machine")),
    "fail-goal-state": Verb(
        "Let goal-state fail, as with a dangling cross-model relation.",
        _fail_goal_state_arguments,
        request("fail-goal-state", "message"),
    ),
    "release-machine": Verb(
        "Release a machine that runs on outside Juju.",
        _machine_argument,
        request("release-machine", "machine"),
    ),
    "power-on": Verb(
        "Start a machine whose power was cut.", _machine_argument, request("power-on", "machine")
    ),
    "reboot": Verb("Reboot a machine.", _machine_argument, request("reboot", "machine")),
    "move-leader": Verb(
        "Give the leadership to a unit at once.",
        _leader_arguments,
        request("move-leader", "app", "unit"),
    ),
    "stop-agent": Verb(
        "Kill a unit's agent: no hooks, no leases.", _unit_argument, request("stop-agent", "unit")
    ),
    "start-agent": Verb("Start a stopped agent.", _unit_argument, request("start-agent", "unit")),
    "hold": Verb(
        "Stop a unit before a hook starts.", _hold_arguments, request("hold", "unit", "hook")
    ),
    "wait-held": Verb(
        "Wait until a unit is held; prints the hook.", _wait_held_arguments, _wait_held
    ),
    "release": Verb("Let a held unit go on.", _unit_argument, request("release", "unit")),
    "link": Verb(
        "Take a machine's network interface up or down.",
        _link_arguments,
        request("link", "machine", "interface", "state"),
    ),
    "show-hooks": Verb("List hooks with their times.", _hooks_arguments, _show_hooks),
    "restart": Verb("End the controller and start it anew: hooks run again.", nothing, _restart),
    "prepare": Verb("Build the machines' image now.", _prepare_arguments, _prepare),
    "down": Verb("Destroy every machine and model, end the controller.", nothing, _down),
}
