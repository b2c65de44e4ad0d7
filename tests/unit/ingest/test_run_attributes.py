"""A folded run as attributes: whatever stands in a journal, each key holds what it promises."""

import pytest

from everbloom.core.branches import Item
from everbloom.core.ids import RunId, default_name, past_run_id
from everbloom.core.records import End, Params, Set, Start, Tag
from everbloom.index.attribute_columns import BLOCK_RUNS
from everbloom.index.columns import build_column
from everbloom.index.documents import Document, decode_document, encode_document, to_cells
from everbloom.ingest.attributes import read_name, read_total_steps, to_attributes
from everbloom.ingest.fold import Folded, Sighting, fold_items

RUN = past_run_id(1_700_000_000_000_000, kind="t", place="t", original_id="t")
STARTED_US = 1_700_000_100_000_000
ODD = [b"bytes", {"a": 1}, ["x"], 2**63, 1e308, True, None, "", "\0\n", "a" * 100_000]


def attributes_of(*records, sighting=Sighting()):  # noqa: B008 - a frozen value
    items = [Item(0, STARTED_US, "a", 0, Start(kind="process"))]
    items += [Item(0, STARTED_US + 1, "a", place, record) for place, record in enumerate(records, 1)]
    return to_attributes(RunId(RUN), fold_items(items, sighting), sighting)


def test_a_run_that_says_nothing_has_defaults():
    assert attributes_of() == {
        "id": RUN,
        "name": default_name(RUN),
        "namespace": "local",
        "project": "default",
        "experiment": "default",
        "state": "running",
        "created": STARTED_US,
        "archived": False,
    }


def test_a_run_without_a_beginning_was_created_when_its_id_was_made():
    assert to_attributes(RUN, Folded(), Sighting())["created"] == 1_700_000_000_000_000


def test_a_stated_time_of_creation_counts():
    assert attributes_of(Set(fields={"created": STARTED_US - 5}))["created"] == STARTED_US - 5


@pytest.mark.parametrize("created", [-1, 0, 2**63, 2**64 - 1, "yesterday", 1.5, True])
def test_a_time_of_creation_that_cannot_be_one_is_passed_over(created):
    assert attributes_of(Set(fields={"created": created}))["created"] == STARTED_US


def test_how_long_a_run_took_is_from_its_creation_to_its_end():
    end = End(state="finished", cause="exit", witness="process", explicit=True)
    attributes = attributes_of(Set(fields={"created": STARTED_US - 2_999_998}), end)
    assert (attributes["duration"], attributes["ended"]) == (2.999999, STARTED_US + 1)


def test_of_a_running_run_the_duration_is_up_to_when_it_was_last_heard():
    attributes = attributes_of(sighting=Sighting(True, last_heard_us=STARTED_US + 5_000_000))
    assert attributes["duration"] == 5.0
    assert "ended" not in attributes


def test_a_clock_that_went_back_gives_no_negative_duration():
    end = End(state="finished", cause="exit", witness="process", explicit=True)
    assert "duration" not in attributes_of(Set(fields={"created": STARTED_US + 10}), end)


def test_only_a_running_run_can_be_stalled():
    end = End(state="finished", cause="exit", witness="process", explicit=True)
    stalled = Sighting(True, is_stalled=True)
    assert attributes_of(sighting=stalled)["stalled"] is True
    assert "stalled" not in attributes_of(end, sighting=stalled)


def test_tags_and_params_stand_under_their_keys():
    attributes = attributes_of(Tag(add=["b", "a"]), Params(values={"lr": 0.1, "none": None}))
    assert attributes["tag"] == ["a", "b"]
    assert (attributes["params.lr"], attributes["params.none"]) == (0.1, None)


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(
    "field",
    "name namespace project experiment group parent user why conclusion verdict domain archived objectives "
    "total_steps seed created".split(),
)
def test_no_value_of_a_field_keeps_a_run_from_being_stored(field, value):
    document = Document(attributes_of(Set(fields={field: value})))
    assert decode_document(encode_document(document)) == document
    for cell in to_cells(document).values():
        build_column([cell] * 2)
    assert 0 < len(document.attributes["name"]) <= 256
    assert BLOCK_RUNS == 4096


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain", "plain"),
        ("  a/b 'c' \"d\" 🌱  ", "a/b 'c' \"d\" 🌱"),
        ("line\nbreak\0", "line\ufffdbreak\ufffd"),
        (" \t ", ""),
        (3, ""),
        (None, ""),
        ("é" * 300, "é" * 256),
    ],
)
def test_a_name_is_shown_as_tables_can_hold_it(given, shown):
    assert read_name(given) == shown


@pytest.mark.parametrize(
    ("given", "read"),
    [(100, 100), (1e3, 1e3), (0, None), (-5, None), (True, None), ("9", None), (float("nan"), None), (None, None)],
)
def test_total_steps_is_a_number_above_0(given, read):
    assert read_total_steps({"total_steps": given}) == read
