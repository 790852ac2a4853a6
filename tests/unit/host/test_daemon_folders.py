# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The place of LXD's images on a real disk, and an interrupted move."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import daemon_folders
from state.facts import Folder

VOLUME = "storage-pools/fast/custom/default_lxd-cluster-images"


def volume(lxd: Path, *names: str) -> Path:
    path = lxd / VOLUME
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_text(f"{name} of the volume")
    return path


def folder(lxd: Path, name: str, *names: str) -> Path:
    path = lxd / name
    path.mkdir()
    for entry in names:
        (path / entry).write_text(entry)
    return path


def image_files(lxd: Path) -> list[str]:
    assert not (lxd / "images").is_symlink()
    return sorted(path.name for path in (lxd / "images").iterdir())


def test_a_folder_on_the_root_disk(tmp_path: Path):
    folder(tmp_path, "images")

    assert daemon_folders.look(tmp_path, "images") == Folder()
    (tmp_path / "images/a").touch()
    assert daemon_folders.look(tmp_path, "images") == Folder(filled=True)


def test_a_volume_with_a_folder_for_each_kind(tmp_path: Path):
    """As in LXD 6.9."""
    (volume(tmp_path) / "images").mkdir()
    (tmp_path / VOLUME / "images/a").write_text("a of the volume")
    folder(tmp_path, "images", "b")

    daemon_folders.restore(tmp_path, "images")

    assert image_files(tmp_path) == ["a", "b"]


def test_a_link_to_a_volume(tmp_path: Path):
    (tmp_path / "images").symlink_to(volume(tmp_path))

    assert daemon_folders.look(tmp_path, "images") == Folder("fast/lxd-cluster-images")


def test_a_move_to_a_volume_that_was_cut_short_is_undone(tmp_path: Path):
    (tmp_path / "images").symlink_to(volume(tmp_path, "a", ".b.Xy12"))
    folder(tmp_path, "images.temp", "a", "b")
    assert daemon_folders.look(tmp_path, "images") == Folder(
        "fast/lxd-cluster-images", cut_short=True
    )

    daemon_folders.restore(tmp_path, "images")

    assert {"a", "b"} <= set(image_files(tmp_path))
    assert (tmp_path / "images" / "a").read_text() == "a"
    assert (tmp_path / "images").stat().st_mode & 0o777 == 0o700
    assert daemon_folders.look(tmp_path, "images") == Folder(filled=True)


def test_a_move_whose_source_is_partly_deleted_is_undone(tmp_path: Path):
    (tmp_path / "images").symlink_to(volume(tmp_path, "a", "b"))
    folder(tmp_path, "images.temp", "b")

    daemon_folders.restore(tmp_path, "images")

    assert image_files(tmp_path) == ["a", "b"]


def test_a_move_back_that_was_cut_short_is_finished(tmp_path: Path):
    deep = volume(tmp_path, "a", "b") / "instances"
    deep.mkdir()
    (deep / "c").symlink_to("/nowhere")
    (tmp_path / VOLUME / "lost+found").mkdir()
    folder(tmp_path, "images", "a")

    daemon_folders.restore(tmp_path, "images")

    assert image_files(tmp_path) == ["a", "b", "instances"]
    assert (tmp_path / "images" / "instances" / "c").readlink() == Path("/nowhere")


def test_one_that_fails_leaves_everything_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "images").symlink_to(volume(tmp_path, "a"))
    folder(tmp_path, "images.temp", "b")

    def no_room(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(daemon_folders.shutil, "copy2", no_room)
        with pytest.raises(OSError, match="No space"):
            daemon_folders.restore(tmp_path, "images")
    assert (tmp_path / "images").is_symlink()

    daemon_folders.restore(tmp_path, "images")

    assert image_files(tmp_path) == ["a", "b"]


def test_what_is_left_on_a_volume_is_brought_to_the_others(tmp_path: Path):
    left = volume(tmp_path, "a", "b")
    folder(tmp_path, "images", "a")

    daemon_folders.gather(tmp_path, "images", "fast/lxd-cluster-images", mounts=False)

    assert image_files(tmp_path) == ["a", "b"]
    assert sorted(path.name for path in left.iterdir()) == ["a", "b"]


def test_it_is_brought_to_another_volume(tmp_path: Path):
    volume(tmp_path, "a")
    other = tmp_path / "storage-pools/new/custom/default_lxd-cluster-images"
    other.mkdir(parents=True)
    (tmp_path / "images").symlink_to(other)

    daemon_folders.gather(tmp_path, "images", "fast/lxd-cluster-images", mounts=False)
    daemon_folders.gather(tmp_path, "images", "new/lxd-cluster-images", mounts=False)

    assert [path.name for path in other.iterdir()] == ["a"]


@pytest.mark.parametrize("names", [(), ("written while it was not mounted",)])
def test_the_mount_point_of_a_volume_is_not_its_content(tmp_path: Path, names: tuple[str, ...]):
    """zfs and lvm: LXD mounts only the volumes that its configuration names."""
    volume(tmp_path, *names)
    folder(tmp_path, "images")

    with pytest.raises(daemon_folders.NotMountedError, match="fast/lxd-cluster-images is not"):
        daemon_folders.gather(tmp_path, "images", "fast/lxd-cluster-images")


def test_what_is_on_a_mounted_volume_is_brought_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mounted = volume(tmp_path, "a")
    folder(tmp_path, "images")

    def is_mount(path: Path) -> bool:
        return path == mounted

    assert daemon_folders.mounted(tmp_path) == frozenset()
    monkeypatch.setattr(Path, "is_mount", is_mount)
    assert daemon_folders.mounted(tmp_path) == {"fast/lxd-cluster-images"}
    daemon_folders.gather(tmp_path, "images", "fast/lxd-cluster-images")

    assert image_files(tmp_path) == ["a"]


def test_a_volume_without_its_folder_is_not_here(tmp_path: Path):
    """The pool itself is not mounted, or not where the charm looks."""
    folder(tmp_path, "images")

    with pytest.raises(daemon_folders.NotMountedError):
        daemon_folders.gather(tmp_path, "images", "gone/lxd-cluster-images", mounts=False)


def test_nothing_is_touched_while_lxd_is_at_it(tmp_path: Path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(b"rsync\0-a\0/x/lxd/images.temp/\0/y/\0")

    daemon_folders.refuse_while_moving("backups", tmp_path)
    with pytest.raises(OSError, match="still moving its images"):
        daemon_folders.refuse_while_moving("images", tmp_path)


def pool_folder(lxd_dir: Path, name: str) -> Path:
    folder = lxd_dir / "storage-pools" / name
    for part in ("containers", "custom/default_c1"):
        (folder / part).mkdir(parents=True)
    return folder


LXD = 7
"""The process of LXD."""


def proc_of_lxd(tmp_path: Path, *mounts: Path) -> Path:
    """A /proc where LXD sees this machine's files, with these mount points."""
    process = tmp_path / "proc" / str(LXD)
    process.mkdir(parents=True)
    (process / "root").symlink_to("/")
    lines = [f"36 35 0:32 / {place} rw shared:1 - btrfs /dev/loop3 rw\n" for place in mounts]
    (process / "mountinfo").write_text("".join(lines))
    return tmp_path / "proc"


def test_an_empty_folder_of_a_pool_is_removed(tmp_path: Path):
    folder = pool_folder(tmp_path, "fast")
    (pool_folder(tmp_path, "local") / "custom/default_c1/data").touch()
    proc = proc_of_lxd(tmp_path, tmp_path / "storage-pools/faster")

    assert daemon_folders.empty_pools(tmp_path, ("fast", "local", "none"), LXD, proc) == {"fast"}
    daemon_folders.remove_pool(tmp_path, "fast", LXD, proc)

    assert not folder.exists()


@pytest.mark.parametrize("content", ["file", "link", "mount", "mount below", "unknown"])
def test_the_folder_of_a_pool_with_anything_in_it_stays_as_it_is(content: str, tmp_path: Path):
    folder = pool_folder(tmp_path, "fast")
    place = folder / "custom/default_c1"
    if content == "file":
        (place / "data").touch()
    if content == "link":
        (place / "data").symlink_to(tmp_path)
    mounts = {"mount": [folder], "mount below": [place]}.get(content, [])
    proc = proc_of_lxd(tmp_path, *mounts)
    process = 8 if content == "unknown" else LXD
    before = sorted(folder.rglob("*"))

    assert daemon_folders.empty_pools(tmp_path, ["fast"], process, proc) == set()
    with pytest.raises(OSError, match="not empty"):
        daemon_folders.remove_pool(tmp_path, "fast", process, proc)
    assert sorted(folder.rglob("*")) == before
