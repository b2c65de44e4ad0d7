"""Changing runs over REST: read back at once, undone, refused where somebody else was first; on both engines."""

import pytest

from everbloom.core.records import Like, Note, Set
from everbloom.journal.edits import append_edit
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.served import get_json, open_client
from everbloom.testing.stores import RunSpec, record_run


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def client(root, database_place):
    with fresh_store_database(database_place) as database, open_client(root, database=database) as opened:
        yield opened


def record(root, name="amber", **more):
    return record_run(root, RunSpec(fields={"name": name, "project": "news"}, **more))


def edit(client, run, *edits):
    answer = client.patch(f"/api/v1/runs/{run}", json={"edits": list(edits)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refuse(client, run, *edits):
    answer = client.patch(f"/api/v1/runs/{run}", json={"edits": list(edits)})
    assert answer.status_code >= 400
    return answer.status_code, answer.json()["error"]


def read_row(client, run):
    return get_json(client, f"/runs/{run}")["row"]


ALL = (
    {"kind": "tag", "add": ["new"], "remove": ["old"]},
    {"kind": "note", "text": "written"},
    {"kind": "like"},
    {"kind": "set", "fields": {"why": "to see", "conclusion": "yes", "verdict": "supported", "archived": True}},
    {"kind": "set", "fields": {"name": "renamed", "domain": "text"}},
)


def test_an_edit_is_read_back_at_once(root, client):
    run = record(root, tags=["old"])
    answer = edit(client, run, *ALL)
    row = answer["row"]
    assert (row["name"], row["tags"], row["note"], row["note_version"], row["likes"]) == (
        "renamed",
        ["new"],
        "written",
        1,
        1,
    )
    assert (row["why"], row["conclusion"], row["verdict"], row["is_archived"]) == ("to see", "yes", "supported", True)
    assert read_row(client, run) == row
    assert get_json(client, "/runs", archived="true", f="tag = new")["total"] == 1


def test_what_an_edit_answers_takes_it_back(root, client):
    run = record(root, tags=["old"], note="before")
    before = read_row(client, run)
    undo = edit(client, run, *ALL)["undo"]
    after = edit(client, run, *undo)
    assert after["row"] == before | {"note_version": 3}
    again = edit(client, run, *after["undo"])
    assert (again["row"]["name"], again["row"]["note"]) == ("renamed", "written")


def test_an_edit_that_changes_nothing_is_no_edit(root, client):
    run = record(root, tags=["old"], note="before")
    before = get_json(client, "/runs")["watermark"]
    nothing = ({"kind": "tag", "add": ["old"]}, {"kind": "note", "text": "before"}, {"kind": "like", "on": False})
    answer = edit(client, run, *nothing, {"kind": "set", "fields": {"why": "", "archived": False}})
    assert (answer["undo"], answer["watermark"]) == ([], before)


def test_a_note_that_was_changed_meanwhile_is_not_overwritten(root, client):
    run = record(root, note="first")
    append_edit(root, run, "bo", Note(text="theirs"))
    status, error = refuse(client, run, {"kind": "note", "text": "mine", "base": 1})
    assert (status, error["code"]) == (409, "note.changed")
    assert error["fields"] == {"yours": "mine", "theirs": "theirs", "note_version": 2}
    assert edit(client, run, {"kind": "note", "text": "both", "base": 2})["row"]["note"] == "both"


def test_a_paragraph_is_added_whatever_the_note_says_by_now(root, client):
    run = record(root, note="first")
    append_edit(root, run, "bo", Note(text="theirs"))
    answer = edit(client, run, {"kind": "note", "text": "mine", "append": True, "base": 1})
    assert answer["row"]["note"] == "theirs\n\nmine"
    assert edit(client, run, *answer["undo"])["row"]["note"] == "theirs"


def test_undoing_a_field_that_somebody_set_meanwhile_is_refused(root, client):
    run = record(root)
    undo = edit(client, run, {"kind": "set", "fields": {"conclusion": "mine"}})["undo"]
    append_edit(root, run, "bo", Set(fields={"conclusion": "theirs"}))
    status, error = refuse(client, run, *undo)
    assert (status, error["code"], error["fields"]["theirs"]) == (409, "set.changed", "theirs")
    assert read_row(client, run)["conclusion"] == "theirs"


def test_likes_of_others_stay(root, client):
    run = record(root)
    append_edit(root, run, "bo", Like(user="bo", target="metric:acc"))
    edit(client, run, {"kind": "like", "target": "metric:acc"}, {"kind": "like", "target": ""})
    likes = get_json(client, f"/runs/{run}")["likes"]
    assert likes["metric:acc"][0] == "bo"
    assert len(likes["metric:acc"]) == 2
    edit(client, run, {"kind": "like", "on": False, "target": "metric:acc"})
    assert get_json(client, f"/runs/{run}")["likes"]["metric:acc"] == ["bo"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"kind": "tag", "add": [" "]}, "name.empty"),
        ({"kind": "tag", "add": ["a"], "remove": ["a"]}, "tag.contradiction"),
        ({"kind": "set", "fields": {"project": "other"}}, "set.field"),
        ({"kind": "set", "fields": {"archived": "yes"}}, "set.value"),
        ({"kind": "set", "fields": {"verdict": "maybe"}}, "set.value"),
        ({"kind": "set", "fields": {"why": True}}, "set.value"),
        ({"kind": "set", "fields": {"name": "a\nb"}}, "name.unprintable"),
        ({"kind": "note", "text": " ", "append": True}, "note.empty"),
        ({"kind": "note", "text": "x" * 100_000}, "record.too_large"),
        ({"kind": "nothing"}, "request.invalid"),
    ],
)
def test_of_several_edits_none_is_made_where_one_is_wrong(root, client, wrong, code):
    run = record(root)
    before = read_row(client, run)
    status, error = refuse(client, run, {"kind": "tag", "add": ["kept out"]}, wrong)
    assert (status, error["code"]) == (400, code)
    assert read_row(client, run) == before


def test_all_that_match_are_changed_and_taken_back_by_one_token(root, client):
    runs = [
        record(root, f"r{n}", end="failed" if n == 0 else "finished", tags=["t"] if n == 1 else []) for n in range(4)
    ]
    body = {"project": "news", "f": "state = finished", "edits": [{"kind": "tag", "add": ["t"]}]}
    answer = client.post("/api/v1/runs/bulk", json=body).json()
    assert answer["changed"] == 2
    assert {row["id"] for row in get_json(client, "/runs", f="tag = t")["rows"]} == set(runs[1:])
    undone = client.post("/api/v1/undo", json={"undo_token": answer["undo_token"]}).json()
    assert undone["changed"] == 2
    assert [row["id"] for row in get_json(client, "/runs", f="tag = t")["rows"]] == [runs[1]]
    redone = client.post("/api/v1/undo", json={"undo_token": undone["undo_token"]}).json()
    assert redone["changed"] == 2
    again = client.post("/api/v1/undo", json={"undo_token": answer["undo_token"]})
    assert (again.status_code, again.json()["error"]["code"]) == (404, "undo.unknown")


def test_an_undo_that_failed_can_be_tried_again(client, root):
    run = record(root)
    answer = client.post("/api/v1/runs/bulk", json={"ids": [run], "edits": [{"kind": "like"}]}).json()
    active = root / "active"
    active.rename(root / "away")
    active.touch()  # for a while the store cannot be read
    failed = client.post("/api/v1/undo", json={"undo_token": answer["undo_token"]})
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "root.unreadable")
    active.unlink()
    (root / "away").rename(active)
    assert client.post("/api/v1/undo", json={"undo_token": answer["undo_token"]}).json()["changed"] == 1
    assert read_row(client, run)["likes"] == 0


def test_taking_back_leaves_what_somebody_changed_since(root, client):
    first, second = record(root, "a"), record(root, "b")
    edits = [{"kind": "set", "fields": {"conclusion": "bulk"}}]
    answer = client.post("/api/v1/runs/bulk", json={"ids": [first, second], "edits": edits}).json()
    append_edit(root, first, "bo", Set(fields={"conclusion": "theirs"}))
    assert client.post("/api/v1/undo", json={"undo_token": answer["undo_token"]}).json()["changed"] == 1
    assert read_row(client, first)["conclusion"] == "theirs"
    assert read_row(client, second)["conclusion"] is None


def test_only_the_newest_twenty_changes_can_be_taken_back(root, client):
    run = record(root)
    tokens = [
        client.post("/api/v1/runs/bulk", json={"ids": [run], "edits": [{"kind": "tag", "add": [f"t{n}"]}]}).json()
        for n in range(21)
    ]
    statuses = [client.post("/api/v1/undo", json={"undo_token": t["undo_token"]}).status_code for t in tokens[:2]]
    assert statuses == [404, 200]


def test_every_run_of_the_store_is_not_changed_by_leaving_things_out(root, client):
    record(root)
    answer = client.post("/api/v1/runs/bulk", json={"edits": [{"kind": "tag", "add": ["t"]}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bulk.everything")


def test_very_many_runs_are_changed_in_one_go(root, client):
    for number in range(300):
        record(root, f"r{number}")
    body = {"project": "news", "edits": [{"kind": "tag", "add": ["all"]}, {"kind": "note", "text": "x" * 500}]}
    assert client.post("/api/v1/runs/bulk", json=body).json()["changed"] == 300
    page = get_json(client, "/runs", f="tag = all", limit=1)
    assert (page["total"], page["rows"][0]["note"]) == (300, "x" * 500)
