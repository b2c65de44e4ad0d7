"""Runs of the past, as importers write them."""

import pytest

from everbloom.core.errors import Conflict, InvalidInput
from everbloom.core.ids import past_run_id
from everbloom.sdk.past import record_past
from everbloom.testing.recorded import read_recorded

STARTED_US = 1_700_000_000_000_000
RUN = past_run_id(STARTED_US, kind="csv", place="/a", original_id="7")


def test_a_past_run_has_its_own_times_and_end(store):
    run = record_past(
        RUN, STARTED_US, ended_at_us=STARTED_US + 60_000_000, state="failed", cause="exit", fields={"project": "old"}
    )
    run.log({"x": 1.0}, step=3, time=1_700_000_030)
    run.tag("imported")
    run.finish()
    run.finish()
    recorded = read_recorded(store, RUN)
    (journal,) = recorded.journals
    assert journal.start.kind == "importer"
    assert journal.times == [1_700_000_030_000_000]
    assert (recorded.fields["created"], recorded.fields["project"]) == (STARTED_US, "old")
    assert (recorded.end.state, recorded.end.cause, recorded.end.witness) == ("failed", "exit", "importer")
    assert journal.is_closed


def test_a_run_is_not_imported_twice(store):
    record_past(RUN, STARTED_US, ended_at_us=STARTED_US).finish()
    with pytest.raises(Conflict, match=r"run\.exists"):
        record_past(RUN, STARTED_US, ended_at_us=STARTED_US)


def test_an_importer_is_told_what_cannot_be_kept(store, lenient):
    with record_past(RUN, STARTED_US, ended_at_us=STARTED_US) as run, pytest.raises(InvalidInput):
        run.log({"x": "text"})


def test_an_import_that_breaks_off_records_no_end(store):
    with pytest.raises(ZeroDivisionError), record_past(RUN, STARTED_US, ended_at_us=STARTED_US) as run:
        run.log({"x": 1 / 0})
    assert read_recorded(store, RUN).end is None
