#!/usr/bin/python3 -ISE
# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Every hook tool inside a machine: sends its arguments to the controller and prints the answer.

The tool is the name under which it is called. A hook calls it dozens of times, and Python's start
takes most of a run. So it uses no JSON, and the socket without the wrapper of the `socket` module:
both together would double the time.
"""

from __future__ import annotations

import _socket
import os
import sys

SEPARATOR = b"\0"


def files_named(args: list[str]) -> list[str]:
    """Names and contents, in turn, of the files that the arguments name, on the machine."""
    paths = [arg.split("#file=", 1)[1] for arg in args if "#file=" in arg]
    paths += [arg[len("--file=") :] for arg in args if arg.startswith("--file=")]
    paths += [args[i + 1] for i in range(len(args) - 1) if args[i] == "--file"]
    contents: list[str] = []
    for path in paths:
        if path == "-":
            contents += [path, sys.stdin.read()]
        else:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes too long
                contents += [path, file.read()]
    return contents


def exchange(request: bytes) -> bytes:
    """Send the request to the agent; its reply."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(os.environ["JUJU_AGENT_SOCKET_ADDRESS"])
    connection.sendall(request)
    connection.shutdown(_socket.SHUT_WR)
    reply = b""
    while block := connection.recv(65536):
        reply += block
    return reply


def main() -> int:
    """Run the tool; its exit status."""
    args = sys.argv[1:]
    tool = sys.argv[0].rpartition("/")[2]
    context = os.environ.get("JUJU_CONTEXT_ID", "")
    fields = [context, tool, str(len(args)), *args, *files_named(args)]
    try:
        # Words on a command line may contain any bytes: send the original bytes.
        reply = exchange(SEPARATOR.join(os.fsencode(field) for field in fields))
    except (OSError, KeyError) as error:
        sys.stderr.write(f"ERROR no answer from the agent: {error}\n")
        return 1
    if not reply:
        sys.stderr.write("ERROR the agent closed the connection\n")
        return 1
    head, _, body = reply.partition(b"\n")
    code, length = (int(number) for number in head.split())
    sys.stdout.buffer.write(body[:length])
    sys.stderr.buffer.write(body[length:])
    return code


if __name__ == "__main__":
    sys.exit(main())
