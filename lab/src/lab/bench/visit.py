# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Runs code of this process in a node: a fork enters the node's namespaces."""

from __future__ import annotations

import ctypes
import os
import pickle
import traceback
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from lab.machines.programs import MachineError

_T = TypeVar("_T")
_KINDS = ("uts", "ipc", "net", "pid", "mnt")


def call(pid: int, deed: Callable[[], _T]) -> _T:
    """Call `deed` in the namespaces of the process `pid`, with its result or its exception.

    The call runs in a fork, so this process sees no change in memory. The fork's root is the
    node's, so the modules that `deed` imports must be imported already. Raises MachineError if the
    fork died.
    """
    reader, writer = os.pipe()
    child = _fork()
    if child == 0:
        # The fork must never return to the caller's code: that code would run twice.
        try:
            os.close(reader)
            _carry_out(pid, deed, writer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    if not answer:
        raise MachineError("what was to be done in the node died")
    returned, value = pickle.loads(answer)  # noqa: S301 - it is this process's own
    if returned:
        return value
    raise value


def _fork() -> int:
    with warnings.catch_warnings():
        # Other threads of this process hold nothing that `deed` needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _carry_out(pid: int, deed: Callable[[], Any], writer: int) -> None:
    try:
        _enter(pid)
        # Only a child is in the new pid namespace. Without it the node's /proc would not show the
        # process.
        if child := _fork():
            os.waitpid(child, 0)
            return
        answer = pickle.dumps((True, deed()))
    except BaseException as error:  # noqa: BLE001 - it goes to the caller
        try:
            answer = pickle.dumps((False, error))
            pickle.loads(answer)  # noqa: S301 - not every exception can be made again
        except Exception:  # noqa: BLE001 - then its text has to do
            answer = pickle.dumps((False, MachineError(traceback.format_exc())))
    with os.fdopen(writer, "wb") as stream:
        stream.write(answer)


def _enter(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for kind in _KINDS:
        descriptor = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        try:
            if libc.setns(descriptor, 0) != 0:
                raise OSError(ctypes.get_errno(), f"setns {kind}")
        finally:
            os.close(descriptor)
