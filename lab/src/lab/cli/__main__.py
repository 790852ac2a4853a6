# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The command line: `lab/juju VERB ...`."""

from __future__ import annotations

import argparse
import os
import sys

from lab.cli import application_verbs, data_verbs, lab_verbs, model_verbs, query_verbs, task_verbs
from lab.cli.session import CommandError, Session, lab_home
from lab.cli.verb import Verb

VERBS: dict[str, Verb] = {
    **application_verbs.VERBS,
    **task_verbs.VERBS,
    **query_verbs.VERBS,
    **model_verbs.VERBS,
    **data_verbs.VERBS,
}
USAGE_ERROR = 2


def _help() -> str:
    lines = [
        "The lab's juju: a stand-in for Juju on this computer. `juju VERB --help` says more.",
        "",
    ]
    lines += [f"  {name:<20}{verb.summary}" for name, verb in sorted(VERBS.items())]
    lines += ["", "Only in the lab:"]
    lines += [f"  lab {name:<16}{verb.summary}" for name, verb in lab_verbs.VERBS.items()]
    return "\n".join(lines) + "\n"


def _find(words: list[str]) -> tuple[str, Verb | None, list[str]]:
    """The verb's name, the verb, and the words after it."""
    if words[0] == "lab" and len(words) > 1:
        return f"lab {words[1]}", lab_verbs.VERBS.get(words[1]), words[2:]
    return words[0], VERBS.get(words[0]), words[1:]


def _parsed(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Parse the words. Options may be among them, unless another program's words follow."""
    try:
        return parser.parse_intermixed_args(words)
    except TypeError:
        return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Run one command; the exit status: 0, 1 for what Juju refuses, 2 for a wrong command line."""
    if words in ([], ["lab"]) or words[0] in ("help", "-h", "--help"):
        sys.stdout.write(_help())
        return 0
    if words[0] == "--version":
        words = ["version"]
    name, verb, rest = _find(words)
    if verb is None:
        print(f'ERROR juju: "{name}" is not a juju command the lab knows', file=sys.stderr)
        return USAGE_ERROR
    parser = argparse.ArgumentParser(f"juju {name}", description=verb.summary, allow_abbrev=False)
    parser.add_argument("-m", "--model")
    verb.arguments(parser)
    options = _parsed(parser, rest)
    model = options.model.rpartition(":")[2].rpartition("/")[2] if options.model else None
    try:
        return verb.run(Session(lab_home(), model), options)
    except CommandError as error:
        print(f"ERROR {error}", file=sys.stderr)
    except PermissionError as error:
        print(f"ERROR the lab needs root: {error}", file=sys.stderr)
    return 1


def run() -> int:
    """Run main() with the process's words. End quietly when the reader or the user is gone."""
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at exit: let it write to /dev/null.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(run())
