"""The list of what one of several databases took off `active/`: a line stands whole or not at all."""

import contextlib
import resource
from collections.abc import Iterator

import pytest

from everbloom.core import layout
from everbloom.core.errors import Unavailable
from everbloom.core.ids import RunId, WriterId
from everbloom.journal.registry import add_taken, measure_taken, read_taken, register_database

JOURNALS = [(RunId(f"{number:032x}"), WriterId(f"{number:016x}")) for number in range(1, 5)]


@pytest.fixture
def root(tmp_path):
    register_database(tmp_path, "one")
    return tmp_path


@contextlib.contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is full within a line."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1, 20, 49])
def test_a_line_that_finds_no_room_is_refused_and_leaves_nothing(root, room):
    add_taken(root, *JOURNALS[0])
    before = measure_taken(root)
    with file_limit(before + room), pytest.raises(Unavailable, match=r"process\.file_limit"):
        add_taken(root, *JOURNALS[1])
    assert measure_taken(root) == before
    add_taken(root, *JOURNALS[2])
    add_taken(root, *JOURNALS[1])
    assert read_taken(root, 0) == ([JOURNALS[0], JOURNALS[2], JOURNALS[1]], measure_taken(root))


@pytest.mark.parametrize("torn", [1, 33, 49])
def test_behind_a_line_that_a_death_tore_the_next_one_begins_anew(root, torn):
    add_taken(root, *JOURNALS[0])
    _, until = read_taken(root, 0)
    run, writer = JOURNALS[1]
    with layout.taken_path(root).open("a") as file:
        file.write(f"{run}.{writer}"[:torn])
    assert read_taken(root, until) == ([], until)
    add_taken(root, *JOURNALS[2])
    taken, _ = read_taken(root, until)
    assert taken == ([JOURNALS[1]] if torn == 49 else []) + [JOURNALS[2]]
