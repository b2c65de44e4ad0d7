"""The vocabulary evolves by msgspec's rules."""

import msgspec
import pytest

from everbloom.core import layout
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import ENDED_STATES, RECORD_TYPES, SETTABLE, End, Note, Start


@pytest.mark.parametrize("tag", sorted(RECORD_TYPES))
def test_fields_that_equal_their_default_are_left_out(tag):
    config = RECORD_TYPES[tag].__struct_config__
    assert config.omit_defaults
    assert config.frozen
    assert not config.forbid_unknown_fields  # a field of a newer version is passed over


def test_tags_are_unique_short_words():
    assert all(tag.isidentifier() and tag.islower() for tag in RECORD_TYPES)
    assert [kind.tag_name for kind in RECORD_TYPES.values()] == list(RECORD_TYPES)


def test_a_note_takes_few_bytes():
    assert msgspec.msgpack.encode(Note(text="hi")) == b"\x81\xa4text\xa2hi"


def test_values_of_closed_sets_are_checked_on_reading():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"kind": "ghost"}, Start)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"state": "running", "cause": "exit", "witness": "process"}, End)


def test_ended_states_and_settable_fields_are_what_other_parts_rely_on():
    assert "running" not in ENDED_STATES
    assert {"name", "project", "experiment", "why", "conclusion", "archived"} <= SETTABLE


def test_paths_below_a_root_are_plain(tmp_path):
    run, writer = RunId("ab" * 16), WriterId("cd" * 8)
    journal = layout.journal_dir(tmp_path, run, writer)
    assert layout.segment_path(journal, 3) == tmp_path / "runs" / run / "journal" / writer / "3.seg"
    assert layout.active_path(tmp_path, run, writer).name == f"{run}.{writer}"
    assert layout.pack_path(tmp_path, run).parent.name == "ab"
    assert layout.blob_path(tmp_path, "ef" * 32).parent.name == "ef"
    for path in (layout.workspace_path, layout.names_path, layout.edits_dir, layout.active_dir):
        assert tmp_path in path(tmp_path).parents
