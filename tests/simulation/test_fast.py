# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What makes the simulation fast does the same as what it replaces."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property

import pytest

from observe import view
from state.view import View
from tests.simulation import fast


@dataclass(frozen=True)
class Plain:
    """A value that only stores its fields."""

    number: int
    name: str = ""

    @cached_property
    def double(self) -> int:
        """Is kept in the value's dictionary, beside the fields."""
        return 2 * self.number


@dataclass(frozen=True)
class Checked:
    """A value with code of its own."""

    number: int
    half: int = field(init=False)

    def __post_init__(self) -> None:
        """Makes the field that a caller cannot give."""
        object.__setattr__(self, "half", self.number // 2)


@dataclass(frozen=True)
class Doubled:
    """A value with an __init__ of its own."""

    number: int

    def __init__(self, number: int) -> None:
        object.__setattr__(self, "number", 2 * number)


def test_the_charm_makes_its_copies_in_this_way():
    assert vars(view)["replace"] is fast.replace


def test_a_copy_has_the_changes_and_everything_else():
    copy = fast.replace(Plain(1, "one"), number=2)

    assert copy == Plain(2, "one")
    assert repr(copy) == repr(Plain(2, "one"))


def test_a_copy_computes_its_cached_properties_again():
    value = Plain(1)
    assert value.double == 2

    assert fast.replace(value, number=2).double == 4


def test_a_copy_is_frozen():
    copy = fast.replace(Plain(1), number=2)

    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.number = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_a_field_that_does_not_exist_is_an_error():
    with pytest.raises(TypeError, match="colour"):
        fast.replace(Plain(1), colour="red")


def test_the_code_of_a_class_runs_for_its_copies():
    assert fast.replace(Checked(2), number=8).half == 4
    assert fast.replace(Doubled(1), number=3).number == 6


@dataclass(frozen=True)
class Large:
    """A value with enough fields to be stored at once."""

    name: str
    number: int = 3
    words: list[str] = field(default_factory=lambda: ["made"])
    more: tuple[int, ...] = ()


class StoredAtOnce(Large):
    """The same, made in the fast way."""

    __init__ = fast.stored(Large)  # pyright: ignore[reportAssignmentType]


def test_the_charm_makes_its_large_values_in_this_way():
    assert "keep" in View.__init__.__code__.co_names


@pytest.mark.parametrize("kind", [Large, StoredAtOnce])
def test_a_value_has_its_arguments_and_defaults(kind: type[Large]):
    value, other = kind("one", more=(1,)), kind("two", 2, ["given"])

    assert dataclasses.astuple(value) == ("one", 3, ["made"], (1,))
    assert dataclasses.astuple(other) == ("two", 2, ["given"], ())


@pytest.mark.parametrize("kind", [Large, StoredAtOnce])
def test_each_value_has_its_own_default(kind: type[Large]):
    assert kind("one").words is not kind("two").words


@pytest.mark.parametrize("kind", [Large, StoredAtOnce])
def test_a_value_without_an_argument_is_an_error(kind: type[Large]):
    with pytest.raises(TypeError, match="name"):
        kind()  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("kind", [Large, StoredAtOnce])
def test_a_value_is_frozen(kind: type[Large]):
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind("one").number = 2  # pyright: ignore[reportAttributeAccessIssue]
