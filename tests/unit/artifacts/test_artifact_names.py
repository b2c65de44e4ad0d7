"""What may be a file's name within a run, and which files a folder gives."""

import os

import pytest

from everbloom.artifacts.names import check_artifact_path, iter_files
from everbloom.core.errors import InvalidInput


@pytest.mark.parametrize(
    "path",
    ["model.pt", "a/b/c.txt", "with space.txt", "emoji-🌸.png", "'quoted\".json", ".hidden", "a..b/c...d"],
)
def test_a_relative_name_is_taken_as_it_is(path):
    assert check_artifact_path(path) == path


def test_dots_and_doubled_slashes_are_taken_out():
    assert check_artifact_path("./a//b/./c.txt") == "a/b/c.txt"


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "./",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "/etc/passwd",
        "//server/share",
        "C:\\windows",
        "c:evil",
        "a\\..\\b",
        "a\0b",
        "a\nb",
        "a\x1b[2Jb",
        "lone\ud800surrogate",
        "x" * 1025,
        "y" * 256,
        "🌸" * 64,
    ],
)
def test_a_name_that_leads_elsewhere_or_fits_nowhere_is_refused(path):
    with pytest.raises(InvalidInput) as caught:
        check_artifact_path(path)
    assert caught.value.code == "artifact.path"


def test_a_file_gives_itself_under_the_name_it_is_given(tmp_path):
    source = tmp_path / "m.pt"
    source.write_bytes(b"1")
    assert list(iter_files(source, "models/best.pt")) == [("models/best.pt", source)]


def test_a_folder_gives_its_files_in_order_and_below_its_name(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/deep/y.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [name for name, _ in iter_files(tmp_path, "out")] == [
        "out/a/deep/y.txt",
        "out/a/z.txt",
        "out/b.txt",
    ]


def test_links_to_files_are_followed_and_links_to_folders_are_not_entered(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("s")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "real.txt").write_text("r")
    (folder / "alias.txt").symlink_to(folder / "real.txt")
    (folder / "dangling.txt").symlink_to(folder / "gone.txt")
    (folder / "circle").symlink_to(folder)
    (folder / "elsewhere").symlink_to(outside)
    assert [name for name, _ in iter_files(folder, "f")] == ["f/alias.txt", "f/real.txt"]


def test_pipes_in_a_folder_are_passed_over_and_refused_by_name(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert list(iter_files(tmp_path, "f")) == []
    with pytest.raises(InvalidInput, match=r"artifact\.kind"):
        list(iter_files(tmp_path / "pipe", "p"))
