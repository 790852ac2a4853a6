# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What a verb of the command line is."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass

from lab.cli.session import CommandError, Session

Parser = argparse.ArgumentParser
Options = argparse.Namespace
CONSTRAINTS = "virt-type=virtual-machine is heeded; the rest means nothing in the lab"
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Verb:
    """One verb: its help text, its options, and its function (which returns the exit status)."""

    summary: str
    arguments: Callable[[Parser], None]
    run: Callable[[Session, Options], int]


def add_format(parser: Parser, *choices: str) -> None:
    """The option --format; the first choice is the default."""
    parser.add_argument("--format", choices=choices, default=choices[0])


def add_confirmation(parser: Parser) -> None:
    """The options that turn off the question for a confirmation."""
    parser.add_argument("--no-prompt", action="store_true")


def request(name: str, *arguments: str) -> Callable[[Session, Options], int]:
    """The function of a verb that sends these of its options to the controller, and no more."""

    def run(session: Session, options: Options) -> int:
        session.ask(name, **{argument: getattr(options, argument) for argument in arguments})
        return 0

    return run


def nothing(parser: Parser) -> None:
    """The verb takes no arguments."""


def key_values(words: list[str]) -> dict[str, str]:
    """`k=v` words as a dictionary. Raises CommandError for a word without `=`."""
    values: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise CommandError(f'expected "key=value", got "{word}"')
        values[key] = value
    return values


def pairs_and_keys(words: list[str]) -> tuple[list[str], list[str]]:
    """The words with `=`, which set options, and those without, which ask for options."""
    pairs = [word for word in words if "=" in word]
    return pairs, [word for word in words if "=" not in word]


def comma_list(text: str | None) -> list[str]:
    """The words of `a,b,c`."""
    return [word.strip() for word in text.split(",") if word.strip()] if text else []


def seconds(text: str) -> float:
    """The length of a Go duration such as 90s, 5m, 1h30m or 1.5s, in seconds.

    Raises argparse.ArgumentTypeError, so that it serves as an option's type.
    """
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f'invalid duration "{text}"')
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def confirm(options: Options, question: str) -> None:
    """Ask before something is destroyed, unless --no-prompt. Raises CommandError on a no."""
    if options.no_prompt:
        return
    print(f"WARNING {question}", flush=True)
    try:
        answer = input("Continue [y/N]? ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise CommandError("aborted")
