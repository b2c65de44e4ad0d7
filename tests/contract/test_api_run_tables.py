"""Groups of runs and tables as files, over REST; the same on both engines."""

import csv
import io
import statistics

import pytest

from everbloom.testing.databases import fresh_store_database
from everbloom.testing.served import get_json, open_client
from everbloom.testing.stores import RunSpec, record_run

STARTED_US = 1_790_000_000_000_000


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def client(root, database_place):
    with fresh_store_database(database_place) as database, open_client(root, database=database) as opened:
        yield opened


def record(root, number, **more):
    spec = RunSpec(fields={"name": f"run-{number}", "project": "news"} | more.pop("fields", {}), **more)
    return record_run(root, spec, created_us=STARTED_US + number * 1_000_000)


def read_csv(client, path="/runs/csv", **params):
    answer = client.get(f"/api/v1{path}", params=params)
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


def test_groups_say_what_all_members_come_to_and_how_to_find_them(root, client):
    for number, accuracy in enumerate([0.5, 0.75, 0.25]):
        record(root, number, params={"lr": 0.1 if number < 2 else 0.3}, metrics={"acc": [accuracy]})
    page = get_json(client, "/runs/groups", by="params.lr", cols="metrics.acc.max", sort="params.lr", project="news")
    first, second = page["groups"]
    assert (page["total"], page["runs"]) == (2, 3)
    assert (first["value"], first["count"], first["states"]) == (0.1, 2, {"finished": 2})
    assert first["cells"]["metrics.acc.max"]["mean"] == 0.625
    assert second["cells"]["metrics.acc.max"]["std"] is None
    assert get_json(client, "/runs", f=second["clause"])["total"] == 1


def test_groups_are_of_what_the_filter_matches(root, client):
    record(root, 0, params={"lr": 0.1})
    record(root, 1, params={"lr": 0.3})
    page = get_json(client, "/runs/groups", by="state", f="params.lr > 0.2")
    assert [group["count"] for group in page["groups"]] == [1]


def test_a_group_by_an_unknown_key_is_refused_with_what_was_perhaps_meant(client):
    answer = client.get("/api/v1/runs/groups", params={"by": "stat"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "group.unknown_key"


def test_a_file_holds_all_matches_in_their_order_with_the_columns_asked_for(root, client):
    for number in range(1100):
        record(root, number, params={"n": number})
    lines = read_csv(client, cols="params.n,state,created", sort="-params.n", f="params.n >= 50")
    assert lines[0] == ["id", "name", "params.n", "state", "created"]
    assert [int(line[2]) for line in lines[1:]] == list(range(1099, 49, -1))
    assert lines[1][3:] == ["finished", "2026-09-21T14:31:39+00:00"]


def test_values_in_a_file_are_as_they_were_recorded(root, client):
    params = {"tiny": 1e-17, "odd": float("nan"), "flag": True, "text": 'a,"b"\nc', "whole": 3}
    record(root, 0, params=params, tags=["b", "a"], note="é")
    keys = ",".join(f"params.{key}" for key in params)
    (_, line) = read_csv(client, cols=f"{keys},tag,note,params.none")
    assert line[2:] == ["1e-17", "nan", "true", 'a,"b"\nc', "3", "a, b", "é", ""]


def test_a_file_says_how_far_runs_are_from_the_baseline_in_the_first_metric(root, client):
    runs = [record(root, number, metrics={"acc": [value]}) for number, value in enumerate([0.5, 0.75, 0.25])]
    record(root, 3, params={"lr": 1})
    lines = read_csv(client, cols="params.lr,metrics.acc.max,state", sort="name", baseline=runs[0])
    assert lines[0] == ["id", "name", "params.lr", "metrics.acc.max", "metrics.acc.max vs base", "state"]
    assert [line[4] for line in lines[1:]] == ["", "0.25", "-0.25", ""]
    assert read_csv(client, cols="state", baseline=runs[0])[0] == ["id", "name", "state"]
    refused = client.get("/api/v1/runs/csv", params={"baseline": "0" * 32})
    assert refused.json()["error"]["code"] == "run.unknown"


def test_nothing_in_a_file_is_run_by_a_spreadsheet(root, client):
    record(root, 0, params={"a": "=1+1", "b": "@x", "c": "-3e-4", "d": -2}, fields={"name": "+cmd"})
    (_, line) = read_csv(client, cols="params.a,params.b,params.c,params.d")
    assert line[1:] == ["'+cmd", "'=1+1", "'@x", "-3e-4", "-2"]


def test_a_file_of_a_filter_that_cannot_be_read_is_an_error_like_any_other(client):
    answer = client.get("/api/v1/runs/csv", params={"f": "params.lr <"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"].startswith("filter.")


def test_a_file_is_a_download_named_by_its_project(root, client):
    record(root, 0, fields={"project": "news\r\n/é"})
    head = client.get("/api/v1/runs/csv", params={"project": "news\r\n/é"}).headers["content-disposition"]
    assert head == 'attachment; filename="news_____-runs.csv"'.replace("_____", "____")


def test_groups_are_a_file_with_what_all_members_come_to(root, client):
    for number, accuracy in enumerate([0.5, 0.75, 0.25, 0.125]):
        params = {"lr": 0.1 if number < 2 else 0.3, "optimizer": "adam" if number < 3 else "sgd", "depth": 4}
        record(root, number, params=params, metrics={"acc": [accuracy]}, end="failed" if number == 3 else "finished")
    columns = "state,metrics.acc.max,params.optimizer,params.depth,created,metrics.acc.@0"
    lines = read_csv(client, "/runs/groups/csv", by="params.lr", cols=columns, sort="params.lr", project="news")
    assert lines[0] == [
        *("params.lr", "runs", "state"),
        *("metrics.acc.max n", "metrics.acc.max mean", "metrics.acc.max std", "metrics.acc.max best"),
        *("params.optimizer", "params.depth n", "params.depth mean", "params.depth std", "created newest"),
    ]
    std = statistics.stdev([0.5, 0.75])
    newest = ["2026-09-21T14:13:21+00:00", "2026-09-21T14:13:23+00:00"]
    assert lines[1] == ["0.1", "2", "2 finished", "2", "0.625", str(std), "0.75", "adam", "2", "4.0", "0.0", newest[0]]
    assert lines[2][2:4] == ["1 failed, 1 finished", "2"]
    assert lines[2][7] == "2 values"
    assert lines[2][-1] == newest[1]


def test_a_file_of_groups_goes_by_what_a_person_says_is_better_and_by_the_baseline(root, client):
    speeds = [4.0, 2.0, 1.0]
    runs = [record(root, n, params={"lr": n % 2}, metrics={"speed": [speed]}) for n, speed in enumerate(speeds)]
    asked = {"by": "params.lr", "cols": "metrics.speed.last", "sort": "params.lr", "baseline": runs[0]}
    assert read_csv(client, "/runs/groups/csv", **asked)[0][-1] == "metrics.speed.last std"
    lines = read_csv(client, "/runs/groups/csv", better="min speed", **asked)
    assert [line[-2:] for line in lines] == [
        ["metrics.speed.last best", "metrics.speed.last vs base"],
        ["1.0", "-3.0"],
        ["2.0", "-2.0"],
    ]


def test_a_file_of_groups_holds_all_of_them_and_runs_nothing_in_a_spreadsheet(root, client):
    for number in range(1005):
        record(root, number, params={"n": f"={number}"})
    lines = read_csv(client, "/runs/groups/csv", by="params.n", sort="name")
    assert len(lines) == 1006
    assert lines[1] == ["'=0", "1"]
    assert read_csv(client, "/runs/groups/csv", by="params.n", f="name = nobody") == [["params.n", "runs"]]
    assert client.get("/api/v1/runs/groups/csv", params={"by": "nonsense"}).json()["error"]["code"].startswith("group.")


def test_what_ended_since_a_moment_is_counted_as_new(root, client):
    record(root, 0)
    record(root, 100)
    record(root, 101, end="failed")
    since = STARTED_US + 50 * 1_000_000
    (project,) = get_json(client, "/projects", since=since)["projects"]
    assert (project["new_finished"], project["new_failed"]) == (1, 1)
    (project,) = get_json(client, "/projects")["projects"]
    assert (project["new_finished"], project["new_failed"]) == (0, 0)


def test_a_person_may_say_which_way_a_metric_is_better(root, client):
    for number, value in enumerate([1.0, 3.0, 2.0]):
        record(root, number, metrics={"speed": [value], "loss": [value]})
    found = get_json(client, "/runs/best", project="news", better="max speed\nnone loss")["best"]
    assert [(best["metric"], best["direction"], best["value"], best["is_guessed"]) for best in found] == [
        ("speed", "max", 3.0, False)
    ]
    answer = client.get("/api/v1/runs/best", params={"better": "up speed"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "metric.direction")
