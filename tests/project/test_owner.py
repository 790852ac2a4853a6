# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Only metadata.yaml names the account of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack import owner


def metadata(source: str) -> str:
    return f"name: lxd-cluster\nsource: {source}\n"


def test_codeowners_follows_from_the_metadata() -> None:
    """`make format` writes it."""
    assert owner.CODEOWNERS.read_text() == owner.codeowners(owner.METADATA.read_text())


def test_every_link_of_the_metadata_is_of_one_account() -> None:
    text = owner.METADATA.read_text()
    account = owner.owner(text)
    links = [line for line in text.splitlines() if "https://github.com/" in line]

    assert len(links) == 5
    assert all(f"https://github.com/{account}" in line for line in links)


def test_the_account_is_that_of_the_repository() -> None:
    assert owner.owner(metadata("https://github.com/somebody/lxd-cluster")) == "somebody"


@pytest.mark.parametrize("source", ["", "https://github.com", "https://github.com/somebody"])
def test_an_address_without_a_repository_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="not the address of a repository"):
        owner.owner(metadata(source))


@pytest.mark.parametrize(("account", "code"), [(owner.PLACEHOLDER, 1), ("somebody", 0)])
def test_a_placeholder_keeps_the_charm_from_being_published(
    account: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metadata.yaml"
    path.write_text(metadata(f"https://github.com/{account}/lxd-cluster"))
    monkeypatch.setattr(owner, "METADATA", path)

    assert owner.main(["check"]) == code
