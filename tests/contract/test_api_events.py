"""What changed is told: the follower's memory, and the stream of events."""

import asyncio
import json
import threading
from contextlib import ExitStack, closing

import pytest

from everbloom.api.events import iter_events
from everbloom.api.follow import RUNS_MAX, Change, Follower
from everbloom.api.store import Store
from everbloom.core.errors import NotFound
from everbloom.core.settings import Settings
from everbloom.index.database import indexer_lock
from everbloom.ingest.indexer import Indexer
from everbloom.query.reader import RunQuery
from everbloom.testing.stores import RunSpec, open_run, record_run


@pytest.fixture
def settings(tmp_path):
    return Settings(root=tmp_path / "store")


@pytest.fixture
def follower(settings):
    opened = Follower(settings)
    yield opened
    opened.close()


def test_an_empty_store_has_no_version_and_no_changes(follower):
    follower.look_now()
    assert (follower.version, follower.changes_since(0)) == (0, None)


def test_a_look_says_which_runs_and_projects_changed(settings, follower):
    first = record_run(settings.root, RunSpec(fields={"project": "news"}))
    follower.look_now()
    start = follower.version
    second = record_run(settings.root, RunSpec(fields={"project": "other"}))
    follower.look_now()
    assert follower.changes_since(start) == Change(
        follower.version, frozenset({second}), frozenset({("local", "other")})
    )
    assert follower.changes_since(follower.version) is None
    assert first != second


def test_several_looks_are_told_as_one_change(settings, follower):
    record_run(settings.root)
    follower.look_now()
    start = follower.version
    runs = set()
    for _ in range(3):
        runs.add(record_run(settings.root))
        follower.look_now()
    assert follower.changes_since(start) == Change(follower.version, frozenset(runs), frozenset({("local", "default")}))


def test_very_many_runs_or_an_unknown_start_are_many(settings, follower):
    record_run(settings.root)
    follower.look_now()
    start = follower.version
    for _ in range(RUNS_MAX + 1):
        record_run(settings.root)
    follower.look_now()
    assert follower.changes_since(start) == Change(follower.version, None)
    assert follower.changes_since(17) == Change(follower.version, None)


def test_what_another_process_indexed_is_noticed(settings, follower):
    record_run(settings.root)
    follower.look_now()
    start = follower.version
    record_run(settings.root)
    other = Indexer(settings.root)
    other.catch_up()
    other.close()
    follower.look_now()
    assert follower.changes_since(start) == Change(follower.version, None)


def test_listeners_hear_of_changes_without_anybody_asking(settings, follower):
    record_run(settings.root)
    follower.look_now()
    heard = threading.Event()
    with follower.listening(heard.set):
        record_run(settings.root)
        assert heard.wait(20)


def test_listeners_hear_of_changes_after_the_store_could_not_be_read_for_a_while(settings, follower):
    record_run(settings.root)
    follower.look_now()
    active = settings.root / "active"
    active.rename(settings.root / "away")
    active.touch()
    troubled, heard = threading.Event(), threading.Event()
    with follower.listening(lambda: (troubled if follower.trouble else heard).set()):
        assert troubled.wait(20)
        assert follower.trouble.code == "root.unreadable"
        active.unlink()
        (settings.root / "away").rename(active)
        record_run(settings.root)
        assert heard.wait(20)
    assert follower.trouble is None


def test_a_listener_is_told_when_the_follower_stops(follower):
    heard = threading.Event()
    with follower.listening(heard.set):
        follower.stop()
        assert heard.wait(20)
    assert follower.is_closed


def test_a_live_run_is_told_again_and_again(settings, follower):
    writer = open_run(settings.root, RunSpec(metrics={"loss": [1.0]}, end=None))
    follower.look_now()
    for step in range(1, 3):
        start = follower.version
        writer.append_row(step, 1_790_000_000_000_000, {"loss": 0.5})
        follower.look_now()
        change = follower.changes_since(start)
        assert change is not None
        assert change.runs == {writer.run}
    writer.close()


def test_another_process_at_work_is_no_trouble_until_news_have_waited_for_too_long(settings):
    for patience_s, expected in ((3600.0, None), (0.0, "index.busy")):
        opened = Follower(settings, busy_patience_s=patience_s)
        record_run(settings.root)
        with closing(opened), closing(Indexer(settings.root)) as other, lock_of(other, settings):
            opened.look_if_due()
            assert (opened.trouble and opened.trouble.code) == expected


def lock_of(indexer, settings):
    return indexer_lock(indexer.index.catalog_database, settings.root, wait_s=20.0)


@pytest.mark.parametrize(
    ("error", "is_kept"), [(NotFound("it is not there", code="run.unknown"), True), (OSError(), False)]
)
def test_a_reader_is_kept_after_a_question_that_cannot_be_and_not_after_one_that_broke(settings, error, is_kept):
    record_run(settings.root)
    with closing(Store(settings)) as store:
        with pytest.raises(type(error)), store.reader() as first:
            raise error
        with store.reader() as second:
            assert (second is first) == is_kept


# ── the stream ────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(block):
    """Return an event's fields."""
    lines = [line.partition(": ") for line in block.decode().strip().split("\n")]
    return {name: value for name, _, value in lines}


def listen(settings, since, act, count):
    """Return the first events of a stream; `act` is called with the store behind the first one."""

    async def collect():
        store = Store(settings)
        events = []
        stream = iter_events(store, since)
        async for block in stream:
            events.append(parse(block))
            if len(events) == 1:
                await asyncio.to_thread(act, store)
            if len(events) == count:
                break
        await stream.aclose()
        await asyncio.to_thread(store.close)
        return events

    return asyncio.run(asyncio.wait_for(collect(), 30))


def test_a_stream_begins_with_where_it_stands_and_tells_each_change(settings):
    record_run(settings.root)
    runs = []
    hello, changed = listen(settings, None, lambda _: runs.append(record_run(settings.root)), 2)
    assert hello["event"] == "hello"
    assert changed["event"] == "changed"
    data = json.loads(changed["data"])
    assert data == {"watermark": int(changed["id"]), "runs": runs, "projects": [["local", "default"]]}
    assert int(hello["id"]) < int(changed["id"])


def test_a_client_that_was_away_hears_what_it_missed(settings):
    record_run(settings.root)
    store = Store(settings)
    store.follower.look_now()
    seen = store.follower.version
    store.close()
    _, changed = listen(settings, seen - 1, lambda _: None, 2)
    assert json.loads(changed["data"])["watermark"] >= seen


def test_a_stream_ends_when_the_server_does(settings):
    record_run(settings.root)
    assert len(listen(settings, None, lambda store: store.follower.stop(), 99)) == 1


def test_a_stream_says_when_it_cannot_keep_up_and_when_it_can_again(settings):
    record_run(settings.root)
    held = ExitStack()

    def hold(_):
        other = held.enter_context(closing(Indexer(settings.root)))
        held.enter_context(lock_of(other, settings))
        record_run(settings.root)
        release.start()

    heard = threading.Event()

    def let_go():
        heard.wait(20)
        held.close()

    release = threading.Thread(target=let_go)
    store = Store(settings, busy_patience_s=0.0)

    async def collect():
        events = []
        stream = iter_events(store, None)
        async for block in stream:
            events.append(parse(block))
            if len(events) == 1:
                await asyncio.to_thread(hold, store)
            if events[-1]["event"] == "stale":
                heard.set()
            if events[-1].get("data") == '{"stale":null}':
                break
        await stream.aclose()
        return events

    events = asyncio.run(asyncio.wait_for(collect(), 30))
    release.join()
    store.close()
    told = [json.loads(event["data"])["stale"] for event in events if event["event"] == "stale"]
    assert [stale and stale["code"] for stale in told] == ["index.busy", None]
    assert "another process is indexing" in told[0]["message"]


def test_answers_of_an_index_that_is_still_being_built_say_so(settings):
    record_run(settings.root, RunSpec(fields={"name": "a"}))
    store = Store(settings, busy_patience_s=3600.0)
    with closing(store), closing(Indexer(settings.root)) as other:
        with lock_of(other, settings), store.reader() as reader:
            assert reader.list_runs(RunQuery()).total == 0
            assert store.describe_stale(reader) == {"everbloom-stale": "index.partial"}
        store.follower.look_now()
        with store.reader() as reader:
            assert reader.list_runs(RunQuery()).total == 1
            assert store.describe_stale(reader) == {}
