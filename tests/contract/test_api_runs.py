"""Tables of runs over REST: windows, filters, cells, columns, facets, the best; the same on both engines."""

import math

import pytest

from everbloom.core.records import ExceptionInfo, Set
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.served import get_json, open_client
from everbloom.testing.stores import RunSpec, record_run

STARTED_US = 1_790_000_000_000_000


@pytest.fixture
def client(root, database_place):
    with fresh_store_database(database_place) as database, open_client(root, database=database) as opened:
        yield opened


def record(client_root, number, **more):
    fields = {"name": f"run-{number}", "project": "news"} | more.pop("fields", {})
    spec = RunSpec(fields=fields, **more)
    return record_run(client_root, spec, created_us=STARTED_US + number * 1_000_000)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


def test_an_empty_store_answers_an_empty_table(client):
    page = get_json(client, "/runs")
    assert (page["total"], page["rows"], page["elsewhere"]) == (0, [], {})


def test_a_window_of_rows_says_how_many_match(root, client):
    for number in range(5):
        record(root, number)
    page = get_json(client, "/runs", offset=1, limit=2, sort="created")
    assert page["total"] == 5
    assert [row["name"] for row in page["rows"]] == ["run-1", "run-2"]


def test_a_row_says_what_a_run_is_and_how_it_ended(root, client):
    error = ExceptionInfo(type="ValueError", message="bad <b>lr</b>\nsecond line")
    run = record(root, 0, tags=["b", "a"], note="n", end="failed", exception=error, fields={"why": "to see"})
    (row,) = get_json(client, "/runs")["rows"]
    assert row["id"] == run
    assert (row["state"], row["cause"], row["error_line"]) == ("failed", "exception", "ValueError: bad <b>lr</b>")
    assert (row["tags"], row["note"], row["note_version"], row["why"]) == (["a", "b"], "n", 1, "to see")
    assert row["created_at"] == STARTED_US
    assert row["spark"] is None


def test_cells_are_those_asked_for_under_the_names_they_were_asked_by(root, client):
    record(root, 0, params={"lr": 0.1, "name, odd": "x"}, metrics={"val/acc": [0.5, 0.75]})
    (row,) = get_json(client, "/runs", cols='params.lr,params."name, odd",metrics.val/acc.max,params.none')["rows"]
    assert row["cells"] == {"params.lr": 0.1, 'params."name, odd"': "x", "metrics.val/acc.max": 0.75}


def test_numbers_that_json_lacks_are_spelled_and_none_is_lost(root, client):
    record(root, 0, params={"big": 2**60 + 1, "nan": math.nan}, metrics={"loss": [math.inf], "l": [-math.inf]})
    columns = "params.big,params.nan,metrics.loss.last,metrics.l.min"
    (row,) = get_json(client, "/runs", cols=columns)["rows"]
    assert row["cells"] == {
        "params.big": str(2**60 + 1),
        "params.nan": "NaN",
        "metrics.loss.last": "Infinity",
        "metrics.l.min": "-Infinity",
    }


def test_a_long_text_is_cut_in_a_table(root, client):
    record(root, 0, params={"long": "x" * 50_000})
    answer = client.get("/api/v1/runs?cols=params.long")
    assert len(answer.content) < 3000
    assert answer.json()["rows"][0]["cells"]["params.long"].endswith("x…")


def test_a_sparkline_keeps_the_range_and_shows_what_is_missing(root, client):
    record(root, 0, metrics={"loss": [2.0, math.nan, 1.0]})
    record(root, 1)
    rows = get_json(client, "/runs", spark="loss", sort="created")["rows"]
    assert len(rows[0]["spark"]) == 32
    assert set(rows[0]["spark"]) == {254, 255, 0}
    assert rows[1]["spark"] is None


def test_a_filter_that_cannot_be_read_points_at_the_place(client):
    answer = client.get("/api/v1/runs", params={"f": "params.lr <"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"].startswith("filter.")
    assert answer.json()["error"]["fields"]["column"] == 12


def test_matches_of_other_projects_are_counted(root, client):
    record(root, 0)
    record(root, 1, fields={"project": "other"})
    page = get_json(client, "/runs", project="news")
    assert (page["total"], page["elsewhere"]) == (1, {"local/other": 1})


def test_archived_runs_are_apart(root, client):
    record(root, 0)
    record(root, 1, records=[Set(fields={"archived": True})])
    names = {
        shown: [row["name"] for row in get_json(client, "/runs", archived=shown, sort="created")["rows"]]
        for shown in ("false", "true", "both")
    }
    assert names == {"false": ["run-0"], "true": ["run-1"], "both": ["run-0", "run-1"]}


def test_the_catalogue_is_made_over_all_matches(root, client):
    for number in range(3):
        record(root, number, params={"lr": number / 10, "depth": 4, **({"rare": 1} if number == 2 else {})})
    found = get_json(client, "/runs/columns", project="news")
    by_key = {column["key"]: column for column in found["columns"]}
    assert (by_key["params.lr"]["varies"], by_key["params.lr"]["min"], by_key["params.lr"]["max"]) == (True, 0, 0.2)
    assert by_key["params.rare"]["n"] == 1
    assert {"params.lr", "params.rare"} <= set(found["default"])
    assert {"key": "params.depth", "value": 4} in found["constant"]


def test_the_catalogue_can_be_searched_and_names_one_column_a_metric(root, client):
    record(root, 0, metrics={"val/acc": [1.0], "val/loss": [1.0], "x": [1.0]})
    found = get_json(client, "/runs/columns", q="metrics")
    assert [column["key"] for column in found["columns"]] == [
        "metrics.val/acc.max",
        "metrics.val/loss.min",
        "metrics.x",
    ]
    assert get_json(client, "/runs/columns", q="ACC", limit=1)["total"] == 1


def test_the_catalogue_may_come_with_the_first_window(root, client):
    record(root, 0, params={"lr": 1})
    assert get_json(client, "/runs")["columns"] is None
    assert get_json(client, "/runs", catalog="true")["columns"]["total"] > 3


def test_facets_count_values_of_the_matches(root, client):
    for number, state in enumerate(("finished", "failed", "finished")):
        record(root, number, end=state, tags=[f"t{number % 2}", "all"])
    assert get_json(client, "/runs/facets", key="state")["values"] == [
        {"value": "finished", "count": 2},
        {"value": "failed", "count": 1},
    ]
    values = get_json(client, "/runs/facets", key="tag", f="state = finished")["values"]
    assert {value["value"]: value["count"] for value in values} == {"all": 2, "t0": 2}


def test_the_best_says_who_how_much_better_and_how_it_came(root, client):
    runs = [record(root, n, metrics={"val/acc": [value]}) for n, value in enumerate((0.5, 0.4, 0.75, 0.6))]
    (best,) = get_json(client, "/runs/best", project="news")["best"]
    assert (best["metric"], best["direction"], best["is_guessed"]) == ("val/acc", "max", True)
    assert (best["run_id"], best["value"], best["gain"]) == (runs[2], 0.75, 0.25)
    assert best["staircase"] == [[0, 0.5], [2, 0.75]]
    (held,) = get_json(client, "/runs/best", project="news", baseline=runs[3])["best"]
    assert held["baseline"] == 0.6


def test_the_best_of_metrics_that_matter_most_come_first(root, client):
    record(root, 0, metrics={"val/acc": [0.5], "val/loss": [0.3], "size": [3.0]})

    def names(**asked):
        return [best["metric"] for best in get_json(client, "/runs/best", **asked)["best"]]

    assert names() == ["val/acc", "val/loss"]
    assert names(first="val/loss\nsize\nnobody") == ["val/loss", "val/acc"]
    assert names(first="val/loss", limit=1) == ["val/loss"]


def test_a_run_that_only_logged_nan_takes_no_best_away(root, client):
    objectives = {"objectives": {"val/loss": "min"}}
    good = record(root, 0, metrics={"val/acc": [0.5]}, fields=objectives)
    record(root, 1, metrics={"val/loss": [math.nan], "val/acc": [0.1]}, fields=objectives)
    (best,) = get_json(client, "/runs/best", project="news", limit=1)["best"]
    assert (best["metric"], best["run_id"], best["n_runs"]) == ("val/acc", good, 2)
    (project,) = get_json(client, "/projects")["projects"]
    assert project["objective"]["metric"] == "val/acc"
    refused = client.get("/api/v1/runs/best", params={"metrics": "val/loss"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "metric.unknown")


def test_a_run_keeps_its_slot_on_every_page(root, client):
    runs = [record(root, number) for number in range(4)]
    rows = {row["id"]: row["slot"] for row in get_json(client, "/runs")["rows"]}
    assert len(set(rows.values())) == 4
    assert all(get_json(client, f"/runs/{run}")["row"]["slot"] == rows[run] for run in runs)


def test_what_did_not_change_is_not_sent_again(root, client):
    record(root, 0)
    first = client.get("/api/v1/runs")
    tag = first.headers["etag"]
    again = client.get("/api/v1/runs", headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/api/v1/runs?limit=1", headers={"if-none-match": tag}).status_code == 200


def test_a_filter_that_counts_from_now_is_never_answered_from_memory(root, client):
    record(root, 0)
    assert "etag" not in client.get("/api/v1/runs", params={"f": "created > -7d"}).headers


def test_large_answers_are_compressed(root, client):
    for number in range(5):
        record(root, number)
    assert client.get("/api/v1/runs").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/api/v1/session").headers


def test_projects_bring_counts_and_how_their_objective_got_better(root, client):
    for number, value in enumerate((0.3, 0.2, 0.9)):
        record(root, number, metrics={"val/acc": [value]}, end="failed" if number == 1 else "finished")
    record(root, 9, fields={"project": "quiet", "user": "ann"}, end="finished")
    quiet, news = get_json(client, "/projects")["projects"]
    assert (quiet["name"], quiet["owner"], quiet["objective"]) == ("quiet", "ann", None)
    assert (news["runs"], news["running"], news["failed"]) == (3, 0, 1)
    assert (news["objective"]["best"], news["objective"]["staircase"]) == (0.9, [0.3, 0.9])


def test_projects_take_the_order_they_were_given_and_can_be_put_away(root, client):
    for number, name in enumerate(("a", "b", "c")):
        record(root, number, fields={"project": name})
    assert client.put("/api/v1/projects/order", json={"order": [["local", "b"], ["local", "a"]]}).status_code == 204
    assert client.patch("/api/v1/projects/local/a", json={"is_archived": True}).status_code == 204
    found = get_json(client, "/projects")["projects"]
    assert [(p["name"], p["rank"], p["is_archived"]) for p in found] == [
        ("b", 0, False),
        ("a", 1, True),
        ("c", None, False),
    ]
    client.put("/api/v1/projects/order", json={"order": [["local", "c"]]})
    client.patch("/api/v1/projects/local/a", json={"is_archived": False})
    found = get_json(client, "/projects")["projects"]
    assert [(p["name"], p["rank"], p["is_archived"]) for p in found] == [
        ("c", 0, False),
        ("b", 1, False),
        ("a", 2, False),
    ]


def test_a_project_says_what_it_wants_to_reach_and_its_card_is_about_that(root, client):
    record(root, 0, metrics={"val/acc": [0.5, 0.9], "val/loss": [0.3]})
    before, after = [], [{"metric": "val/loss", "value": 0.25}]

    def read():
        (project,) = get_json(client, "/projects")["projects"]
        return project["goals"], project["objective"]["metric"]

    assert read() == (before, "val/acc")
    answer = client.put("/api/v1/projects/local/news/goals", json={"metric": "val/loss", "value": 0.25})
    assert (answer.status_code, answer.json()) == (200, {"goals": after})
    assert read() == (after, "val/loss")
    client.put("/api/v1/projects/local/news/goals", json={"metric": "nobody", "value": 1})
    client.put("/api/v1/projects/local/news/goals", json={"metric": "val/loss", "value": None})
    assert read() == ([{"metric": "nobody", "value": 1.0}], "val/acc")


def test_a_goal_is_a_number_of_a_metric_with_a_name(client):
    for body, code in [({"metric": "", "value": 1}, "goal.metric"), ({"metric": "é" * 251, "value": 1}, "goal.metric")]:
        refused = client.put("/api/v1/projects/local/news/goals", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    assert client.put("/api/v1/projects/local/news/goals", json={"metric": "a", "value": "x"}).status_code == 400


def test_a_project_that_is_nowhere_is_neither_put_away_nor_given_goals(root, client):
    record(root, 0)
    goal = {"metric": "acc", "value": 1}
    for path in ("local/none", "other/news"):
        answers = [
            client.patch(f"/api/v1/projects/{path}", json={"is_archived": True}),
            client.put(f"/api/v1/projects/{path}/goals", json=goal),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "project.unknown")
            assert path.rpartition("/")[2] in answer.json()["error"]["message"]
    assert [p["name"] for p in client.get("/api/v1/projects").json()["projects"]] == ["news"]


def test_views_are_kept_in_order_by_project(client):
    for name, query in (("best / of all", "sort=-x"), ("mine", "f=user=me")):
        answer = client.put(f"/api/v1/views/{name}", params={"project": "news"}, json={"query": query})
        assert answer.status_code == 200, answer.text
    client.put("/api/v1/views/mine?project=news", json={"query": "f=1"})
    views = get_json(client, "/views", project="news")["views"]
    assert [(view["name"], view["query"]) for view in views] == [("best / of all", "sort=-x"), ("mine", "f=1")]
    assert get_json(client, "/views")["views"] == []
    assert [v["name"] for v in client.delete("/api/v1/views/mine?project=news").json()["views"]] == ["best / of all"]
    assert client.delete("/api/v1/views/mine?project=news").json()["error"]["code"] == "view.unknown"


def test_a_long_address_gets_a_short_link_that_opens_it_and_leads_nowhere_else(client):
    address = "/local/news/compare?runs=" + ",".join(f"{i:032x}" for i in range(200))
    kept = client.post("/api/v1/links", json={"address": address})
    assert kept.status_code == 200
    assert get_json(client, f"/links/{kept.json()['hash']}")["address"] == address
    assert client.get("/api/v1/links/gone").json()["error"]["code"] == "link.unknown"
    pages = ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example"]
    for foreign in (*pages, "local", "/v/abc", "/api/v1/runs"):
        answer = client.post("/api/v1/links", json={"address": foreign})
        assert (foreign, answer.json()["error"]["code"]) == (foreign, "link.place")


def test_completion_says_what_fits_what_it_is_and_how_many_have_it(root, client):
    record(root, 0, params={"lr": 1})
    found = get_json(client, "/complete", text="params.l")
    assert (found["start"], found["end"]) == (0, 8)
    assert found["offers"] == [{"text": "params.lr", "kind": "key", "detail": "a parameter", "count": 1}]
    kinds = {offer["kind"] for offer in get_json(client, "/complete", text="state ")["offers"]}
    assert "operator" in kinds


def test_search_finds_what_was_printed(root, client):
    run = record(root, 0, console="a\nout of memory\n")
    (hit,) = get_json(client, "/search", q="of memory")["hits"]
    assert (hit["run_id"], hit["where"], hit["line"]) == (run, "console", 2)


def test_of_a_run_alone_its_metrics_are_what_a_table_shows(root, client):
    record(root, 0, metrics={"val/acc": [0.5], "val/loss": [0.3]})
    assert {"metrics.val/acc.max", "metrics.val/loss.min"} <= set(get_json(client, "/runs/columns")["default"])
