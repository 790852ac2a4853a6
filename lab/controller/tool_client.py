#!/usr/bin/python3 -ISE
"""Every hook tool, inside a machine: hands its arguments to the controller and prints the answer.

The name it is called by is the tool. Only the standard library, and little of it: it runs
dozens of times in a hook.
"""

import json
import os
import socket
import sys


def files_named(args):
    """The contents of the files that the arguments name, since only this side can read them."""
    paths = [arg.split("#file=", 1)[1] for arg in args if "#file=" in arg]
    paths += [after for before, after in zip(args, args[1:]) if before == "--file"]
    paths += [arg[len("--file=") :] for arg in args if arg.startswith("--file=")]
    found = {}
    for path in paths:
        if path == "-":
            found[path] = sys.stdin.read()
        else:
            with open(path, encoding="utf-8") as file:
                found[path] = file.read()
    return found


def main():
    args = sys.argv[1:]
    request = {
        "tool": os.path.basename(sys.argv[0]),
        "context": os.environ.get("JUJU_CONTEXT_ID", ""),
        "args": args,
        "files": files_named(args),
    }
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(os.environ["JUJU_AGENT_SOCKET_ADDRESS"])
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except (OSError, KeyError) as error:
        sys.stderr.write("ERROR no answer from the agent: %s\n" % error)
        return 1
    if not line:
        sys.stderr.write("ERROR the agent closed the connection\n")
        return 1
    reply = json.loads(line)
    sys.stdout.write(reply["stdout"])
    sys.stderr.write(reply["stderr"])
    return reply["code"]


if __name__ == "__main__":
    sys.exit(main())
