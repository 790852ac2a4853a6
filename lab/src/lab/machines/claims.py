# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The owners of machine numbers: names, addresses and control groups exist once on a computer.

A claim is a link from the number to the machine's folder, or from a range of numbers to a model's
folder. It is gone after a reboot of the computer, like the machine's processes.
"""

from __future__ import annotations

from pathlib import Path

from lab.machines.locks import locked
from lab.machines.programs import MachineError

CLAIMS = Path("/run/lxd-cluster-lab")


def take(number: int, folder: Path) -> None:
    """Claim the number for the machine in `folder`. Raises MachineError if another has it."""
    CLAIMS.mkdir(exist_ok=True)
    try:
        (CLAIMS / str(number)).symlink_to(folder)
    except FileExistsError:
        holder_folder = holder(number)
        if holder_folder == folder:
            return
        home = holder_folder.parent.parent if holder_folder else "?"
        raise MachineError(
            f"machine {number} of another lab, {home}, is on this computer; to remove that lab:"
            f" python -m lab.machines clean --home {home}"
        ) from None


def holder(number: int) -> Path | None:
    """The folder of the machine that has the number, or None."""
    try:
        return (CLAIMS / str(number)).readlink()
    except FileNotFoundError:
        return None


def all_holders() -> dict[int, Path]:
    """The numbers that machines on this computer have claimed, with the machines' folders."""
    numbers = (int(link.name) for link in CLAIMS.glob("*") if link.name.isdigit())
    holders = ((number, holder(number)) for number in numbers)
    return {number: folder for number, folder in holders if folder is not None}


def take_range(ranges: int, model: Path) -> int:
    """Claim a range of numbers for the model in that folder: the first free one.

    A claim lasts as long as the model's folder. The range of an earlier model in that folder is
    free. Raises MachineError if none is free.
    """
    CLAIMS.mkdir(exist_ok=True)
    with locked(CLAIMS / "ranges.lock"):
        for claim in CLAIMS.glob("range-*"):
            if claim.readlink() == model:
                claim.unlink()
        for number in range(ranges):
            claim = CLAIMS / f"range-{number}"
            if not claim.exists():
                claim.unlink(missing_ok=True)
                claim.symlink_to(model)
                return number
    raise MachineError(
        f"this computer has room for {ranges} models of the lab: `juju destroy-model` one first"
    )


def release(number: int, folder: Path) -> None:
    """Release the number, if the machine in `folder` has it."""
    if holder(number) == folder:
        (CLAIMS / str(number)).unlink()


def held_under(home: Path) -> list[int]:
    """The numbers that machines of the lab at `home` have."""
    numbers = [int(link.name) for link in CLAIMS.glob("*") if link.name.isdigit()]
    return sorted(number for number in numbers if _is_under(holder(number), home))


def _is_under(folder: Path | None, home: Path) -> bool:
    return folder is not None and home.resolve() in folder.parents
