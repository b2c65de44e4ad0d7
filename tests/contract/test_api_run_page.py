"""One run over REST: its page, parameters and metrics in parts, console windows, media, series frames, comparing."""

import json
import math
import struct

import numpy as np
import pytest

from everbloom.artifacts.local import store_bytes
from everbloom.core.records import Console, ExceptionInfo, File, Link, Media, Note, Reference, Rewind, Set
from everbloom.index.console import CHUNK_CHARS
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.served import get_json, open_client
from everbloom.testing.stores import RunSpec, open_run, record_run

STARTED_US = 1_790_000_000_000_000


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def client(root, database_place):
    with fresh_store_database(database_place) as database, open_client(root, database=database) as opened:
        yield opened


def record(root, **more):
    return record_run(root, RunSpec(**more), created_us=STARTED_US)


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_runs_page_has_everything_that_is_known(root, client):
    parent = record(root, fields={"name": "first"})
    error = ExceptionInfo(type="ValueError", message="bad", traceback="at line 1")
    run = record(
        root,
        fields={"name": "amber", "parent": parent, "objectives": {"acc": "max"}, "domain": "text", "total_steps": 4},
        params={"lr": 0.1, "flag": True, "none": None},
        metrics={"acc": [0.5, math.nan, 0.75], "zeta": [1.0], "system/cpu": [2.0]},
        end="failed",
        exception=error,
        records=[Link(url="javascript:alert(1)", title="x"), Link(url="https://wiki.example/x"), Note(text="n")],
    )
    page = get_json(client, f"/runs/{run}")
    assert (page["row"]["name"], page["row"]["progress"], page["domain"]) == ("amber", 0.75, "text")
    assert page["params"] == {"lr": 0.1, "flag": True, "none": None}
    assert [metric["name"] for metric in page["metrics"]] == ["acc", "zeta"]
    acc = page["metrics"][0]
    assert (acc["n"], acc["last"], acc["best"], acc["direction"], acc["is_guessed"]) == (3, 0.75, 0.75, "max", False)
    assert [metric["name"] for metric in page["resources"]] == ["system/cpu"]
    assert [link["is_safe"] for link in page["links"]] == [False, True]
    assert page["end"]["exception"] == {"type": "ValueError", "message": "bad", "traceback": "at line 1"}
    assert page["objectives"] == {"acc": "max"}
    assert page["parent"]["name"] == "first"
    assert [row["name"] for row in get_json(client, f"/runs/{parent}")["children"]] == ["amber"]
    changes = {change["field"]: change["value"] for change in page["history"]}
    assert (changes["name"], changes["objectives"]) == ("amber", '{"acc":"max"}')


def test_a_parameter_whose_whole_is_a_file_of_the_run_is_read_from_there_and_from_no_other_file(root, client):
    text = "z" * 100_000
    sha256, _ = store_bytes(root, text.encode())
    stored = f"{text[:4096]}… ({len(text)} characters, whole in params/huge.txt, sha256 {sha256})"
    foreign = stored.replace("params/huge.txt", "params/other.txt")
    kept = File(path="params/huge.txt", sha256=sha256, size=len(text), kind="text", media_type="text/plain")
    run = record(root, params={"huge": stored, "foreign": foreign}, records=[kept])
    assert get_json(client, f"/runs/{run}")["cut_params"]["huge"] == 100_000
    assert get_json(client, f"/runs/{run}/param", name="huge")["value"] == text
    assert get_json(client, f"/runs/{run}/param", name="foreign")["value"] == foreign


def test_a_huge_parameter_is_cut_on_the_page_and_whole_where_it_is_asked_for(root, client):
    run = record(root, params={"huge": "y" * 60_000, "lr": 1})
    page = get_json(client, f"/runs/{run}")
    assert len(page["params"]["huge"]) == 2001
    assert page["cut_params"] == {"huge": 60_000}
    assert get_json(client, f"/runs/{run}/param", name="huge") == {"name": "huge", "value": "y" * 60_000}
    assert client.get(f"/api/v1/runs/{run}/param?name=none").json()["error"]["code"] == "param.unknown"


def test_very_many_metrics_come_by_pages(root, client):
    run = record(root, metrics={f"layer{n:04}/norm": [1.0] for n in range(2100)})
    page = get_json(client, f"/runs/{run}")
    assert (len(page["metrics"]), page["metrics_total"]) == (2000, 2100)
    more = get_json(client, f"/runs/{run}/metrics", offset=2000, limit=500)
    assert (more["total"], len(more["metrics"])) == (2100, 100)
    found = get_json(client, f"/runs/{run}/metrics", q="LAYER0007")
    assert [metric["name"] for metric in found["metrics"]] == ["layer0007/norm"]
    assert found["metrics"][0]["group"] == "layer0007"


def test_a_runs_page_is_not_sent_again_unless_it_changed(root, client):
    run = record(root)
    tag = client.get(f"/api/v1/runs/{run}").headers["etag"]
    assert client.get(f"/api/v1/runs/{run}", headers={"if-none-match": tag}).status_code == 304
    client.patch(f"/api/v1/runs/{run}", json={"edits": [{"kind": "tag", "add": ["x"]}]})
    assert client.get(f"/api/v1/runs/{run}", headers={"if-none-match": tag}).status_code == 200


# ── console ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_window_of_the_console_is_read_wherever_it_stands(root, client):
    lines = [f"line {number} {'x' * 40}" for number in range(1, 20_001)]
    assert sum(map(len, lines)) > 3 * CHUNK_CHARS
    run = record(root, console="".join(f"{line}\n" for line in lines))
    for first in (1, 2, 5_000, 5_001, 12_345, 19_999, 20_000):
        window = get_json(client, f"/runs/{run}/console", from_line=first, limit=3)
        assert window["lines"] == lines[first - 1 : first + 2]
        assert (window["first_line"], window["total_lines"], window["is_live"]) == (first, 20_000, False)
    assert get_json(client, f"/runs/{run}/console", from_line=20_001)["lines"] == []
    tail = get_json(client, f"/runs/{run}/console", tail=2)
    assert (tail["lines"], tail["first_line"]) == (lines[-2:], 19_999)


def test_an_unfinished_line_is_a_line(root, client):
    run = open_run(
        root, RunSpec(console="whole\n", records=[Console(text="half a l")], end=None), created_us=STARTED_US
    )
    window = get_json(client, f"/runs/{run.run}/console")
    assert (window["lines"], window["total_lines"]) == (["whole", "half a l"], 2)
    run.close()


def test_a_run_that_printed_nothing_has_an_empty_console(root, client):
    run = record(root)
    assert get_json(client, f"/runs/{run}/console", tail=10) == {
        "lines": [],
        "first_line": 1,
        "total_lines": 0,
        "is_live": False,
    }


def test_an_endless_line_is_cut_and_does_not_hide_what_follows(root, client):
    pieces = [Console(text="z" * 50_000) for _ in range(12)]
    run = record(root, records=[*pieces, Console(text="\nafter\n")])
    window = get_json(client, f"/runs/{run}/console")
    assert [len(line) for line in window["lines"]] == [10_001, 5]
    assert get_json(client, f"/runs/{run}/console", from_line=2)["lines"] == ["after"]


def test_the_console_is_searched_by_pages(root, client):
    run = record(root, console="".join(f"loss {n % 7}\n" for n in range(1, 51)))
    found = get_json(client, f"/runs/{run}/console/search", q="LOSS 3", limit=4)
    assert ([match["line"] for match in found["matches"]], found["more"]) == ([3, 10, 17, 24], True)
    rest = get_json(client, f"/runs/{run}/console/search", q="loss 3", from_line=25)
    assert ([match["line"] for match in rest["matches"]], rest["more"]) == ([31, 38, 45], False)
    assert get_json(client, f"/runs/{run}/console/search", q="")["matches"] == []


def test_the_console_is_downloaded_as_text(root, client):
    text = "".join(f"<b>{n}</b>\n" for n in range(100))
    run = record(root, fields={"name": 'odd "name"\u2028'}, console=text)
    answer = client.get(f"/api/v1/runs/{run}/console/download")
    assert answer.text == text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert 'filename="odd__name_.log"' in answer.headers["content-disposition"]


# ── media ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def media(name, step, data, **more):
    defaults = {"kind": "text", "media_type": "text/plain", "size": len(data)}
    return Media(name=name, step=step, data=data, **(defaults | more))


def test_media_are_listed_by_step_with_their_text(root, client):
    run = record(root, records=[media("a/out", 1, b"one"), media("a/out", 5, b"<b>five</b>", caption="c")])
    last = get_json(client, f"/runs/{run}/media/a/out")
    assert last["steps"] == [1, 5]
    assert [(item["step"], item["inline"], item["caption"]) for item in last["items"]] == [(5, "<b>five</b>", "c")]
    assert get_json(client, f"/runs/{run}/media/a%2Fout", step=1)["items"][0]["inline"] == "one"
    assert client.get(f"/api/v1/runs/{run}/media/none").json()["error"]["code"] == "media.unknown"
    assert get_json(client, f"/runs/{run}")["media"] == [{"name": "a/out", "kind": "text", "steps": [1, 5], "count": 2}]


def test_a_table_brings_its_first_rows_and_how_many_there_are(root, client):
    rows = [[n, {"float": "nan"}, "<i>"] for n in range(1500)]
    data = json.dumps({"columns": ["n", "x", "t"], "rows": rows}).encode()
    run = record(root, records=[media("t", 0, data, kind="table", media_type="application/json")])
    (item,) = get_json(client, f"/runs/{run}/media/t")["items"]
    assert (len(item["inline"]["rows"]), item["inline"]["total_rows"]) == (1000, 1500)
    assert item["inline"]["rows"][1] == [1, "NaN", "<i>"]


def test_medias_content_is_served_by_its_hash_and_kept_for_ever(root, client):
    run = record(root, records=[media("pic", 3, b"\x89PNG fake", kind="image", media_type="image/png")])
    (item,) = get_json(client, f"/runs/{run}/media/pic")["items"]
    answer = client.get(f"/api/v1/runs/{run}/media-content/{item['sha256']}")
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG fake", "image/png")
    assert "immutable" in answer.headers["cache-control"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert client.get(f"/api/v1/runs/{run}/media-content/{'0' * 64}").json()["error"]["code"] == "media.unknown"


# ── series ────────────────────────────────────────────────────────────────────────────────────────────────────────


def decode_frame(data):
    """Read a frame as its description says; a reader of its own, so that it and the writer cannot both be wrong."""
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    at = 4 + length
    assert at % 8 == 0
    n = header["n"]

    def take(kind):
        nonlocal at
        array = np.frombuffer(data, kind, n, at)
        at += array.nbytes
        return array

    x = take("<f8")
    series = []
    for one in header["series"]:
        series.append(
            {name: take("<u4" if name in ("count", "nan", "pinf", "ninf") else "<f8") for name in one["arrays"]}
        )
        assert at % 8 == 0
    assert at == len(data)
    return header, x, series


def ask_series(client, *series, **more):
    answer = client.post("/api/v1/series", json={"series": list(series)} | more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return decode_frame(answer.content)


def test_a_frame_holds_several_series_on_one_grid(root, client):
    first = record(root, metrics={"loss": [3.0, 2.0, math.nan, math.inf]})
    second = record(root, metrics={"loss": [9.0, -math.inf]})
    header, x, (a, b) = ask_series(
        client, {"run": first, "metric": "loss"}, {"run": second, "metric": "loss"}, smoothing=0.5
    )
    assert (header["axis"], header["is_exact"], x.tolist()) == ("step", True, [0, 1, 2, 3])
    assert a["last"][:2].tolist() == [3.0, 2.0]
    assert (a["nan"].tolist(), a["pinf"].tolist()) == ([0, 0, 1, 0], [0, 0, 0, 1])
    assert (b["ninf"].tolist(), b["count"].tolist()) == ([0, 1, 0, 0], [1, 1, 0, 0])
    assert np.isfinite(a["smoothed"][:2]).all()
    assert [one["points"] for one in header["series"]] == [4, 2]
    assert [one["odd"] for one in header["series"]] == [2, 1]


def test_no_spike_is_lost_however_narrow_the_chart(root, client):
    values = [0.0] * 5000
    values[3777] = 1000.0
    run = record(root, metrics={"loss": values})
    header, x, (series,) = ask_series(client, {"run": run, "metric": "loss"}, columns=50)
    assert len(x) <= 50
    assert not header["is_exact"]
    assert series["max"].max() == 1000.0
    assert int(series["count"].sum()) == 5000


def test_a_window_asks_for_a_part_at_full_detail(root, client):
    run = record(root, metrics={"loss": list(range(1000))})
    _, x, (series,) = ask_series(client, {"run": run, "metric": "loss"}, low=500, high=509, columns=50)
    assert x.tolist() == list(range(500, 510))
    assert series["last"].tolist() == list(range(500, 510))


@pytest.mark.parametrize("axis", ["relative", "time", "metric"])
def test_a_window_between_two_points_says_where_the_line_crosses_it_from_and_to(root, client, axis):
    run = record(root, metrics={"loss": [4.0, 2.0, 1.0], "tokens": [0.0, 1e6, 3e6]})
    asked = {"axis": axis, "x_metric": "tokens" if axis == "metric" else None, "smoothing": 0.5}
    _, x, (whole,) = ask_series(client, {"run": run, "metric": "loss"}, **asked)
    frame = {"low": x[1] + 100, "high": x[1] + 5000} | asked
    header, between, _ = ask_series(client, {"run": run, "metric": "loss"}, {"run": run, "metric": "none"}, **frame)
    crossing, none = header["series"]
    assert len(between) == 0
    assert crossing["before"] == [x[1], 2.0, whole["smoothed"][1]]
    assert crossing["after"] == [x[2], 1.0, whole["smoothed"][2]]
    assert (none["before"], none["after"]) == (None, None)


def test_relative_time_begins_at_the_start_of_each_run(root, client):
    run = record(root, metrics={"loss": [1.0, 2.0]})
    _, x, _ = ask_series(client, {"run": run, "metric": "loss"}, axis="relative")
    assert x.tolist() == [1_000_000, 2_000_000]


def record_ranks(root):
    run = record(root, metrics={"loss": [4.0, 2.0, 1.0]})
    for rank, values in enumerate(([8.0, 4.0], [6.0, math.nan]), 1):
        spec = RunSpec(metrics={"loss": values, f"gpu/{rank}": [0.5]}, rank=rank)
        record_run(root, spec, run=run, created_us=STARTED_US + rank)
    return run


def test_ranks_are_drawn_singly_or_as_a_line_with_a_band(root, client):
    run = record_ranks(root)
    loss = {"run": run, "metric": "loss"}
    header, x, (mean, own, second, late) = ask_series(
        client, loss | {"reduce": "mean"}, loss, loss | {"rank": 1}, {"run": run, "metric": "gpu/2"}
    )
    assert (mean["last"].tolist(), x.tolist()) == ([6.0, 3.0, 1.0], [0, 1, 2])
    assert (mean["min"].tolist(), mean["max"].tolist()) == ([4.0, 2.0, 1.0], [8.0, 4.0, 1.0])
    assert (own["last"].tolist(), second["last"][:2].tolist(), late["last"][0]) == ([4.0, 2.0, 1.0], [8.0, 4.0], 0.5)
    asked = [(one["rank"], one["reduce"], one["ranks"]) for one in header["series"]]
    assert asked == [(None, "mean", [0, 1, 2]), (None, None, [0]), (1, None, [1]), (None, None, [2])]


def test_ranks_are_reduced_over_another_metric_too(root, client):
    run = None
    for rank, (tokens, loss) in enumerate([([1.0, 2.0, 4.0], [9.0, 5.0, 1.0]), ([1.0, 3.0], [7.0, 3.0])]):
        spec = RunSpec(metrics={"tokens": tokens, "loss": loss}, rank=rank)
        run = record_run(root, spec, run=run, created_us=STARTED_US)
    wanted = {"run": run, "metric": "loss", "reduce": "mean"}
    header, x, (mean,) = ask_series(client, wanted, axis="metric", x_metric="tokens")
    assert (x.tolist(), mean["last"].tolist()) == ([1.0, 2.0, 3.0, 4.0], [8.0, 6.0, 4.0, 1.0])
    assert (mean["min"].tolist(), mean["max"].tolist()) == ([7.0, 5.0, 3.0, 1.0], [9.0, 7.0, 5.0, 1.0])
    assert header["series"][0]["ranks"] == [0, 1]


def test_a_page_tells_its_ranks_and_pages_metrics_of_each_or_all(root, client):
    run = record_ranks(root)
    page = get_json(client, f"/runs/{run}")
    assert (page["ranks"], page["forked_from"]) == ([0, 1, 2], None)
    assert {metric["name"]: metric["rank"] for metric in page["metrics"]} == {"loss": 0, "gpu/1": 1, "gpu/2": 2}
    second = get_json(client, f"/runs/{run}/metrics", rank=1)["metrics"]
    assert [(metric["name"], metric["max"]) for metric in second] == [("loss", 8.0), ("gpu/1", 0.5)]
    mean = get_json(client, f"/runs/{run}/metrics", reduce="mean", q="loss")["metrics"][0]
    assert (mean["first"], mean["n"], mean["rank"]) == (6.0, 7, None)
    answer = client.get(f"/api/v1/runs/{run}/metrics", params={"rank": 1, "reduce": "mean"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "series.rank_and_reduce")


def test_a_page_tells_what_the_run_was_forked_from(root, client):
    source = record(root, fields={"name": "source"}, metrics={"loss": [3.0, 2.0, 1.0]})
    reference = Reference(uri=f"everbloom:{source}", kind="fork", checksum="step 1")
    run = record_run(root, RunSpec(metrics={"acc": [0.5]}, records=[reference]), created_us=STARTED_US + 9_000_000)
    page = get_json(client, f"/runs/{run}")
    assert page["forked_from"] == {"run": source, "name": "source", "step": 1, "is_shared": True}
    assert {metric["name"]: metric["n"] for metric in page["metrics"]} == {"acc": 1, "loss": 2}
    _, x, _ = ask_series(client, {"run": run, "metric": "loss"}, {"run": run, "metric": "acc"}, axis="relative")
    assert (x / 1_000_000).tolist() == [1.0, 2.0, 3.0]


def test_points_that_a_rewind_took_out_are_not_drawn(root, client):
    run = record(root, metrics={"loss": [1.0, 2.0, 3.0]}, end=None)
    record_run(root, RunSpec(records=[Rewind(step=1)], metrics={}), run=run, created_us=STARTED_US + 10_000_000)
    _, x, (series,) = ask_series(client, {"run": run, "metric": "loss"})
    assert x.tolist() == [0, 1]
    assert series["last"].tolist() == [1.0, 2.0]


def test_thousands_of_curves_share_a_chart_on_fewer_columns(root, client):
    run = record(root, metrics={"loss": [float(step) for step in range(500)]})
    body = {"series": [{"run": run, "metric": "loss"}] * 5000, "columns": 100}
    answer = client.post("/api/v1/series", json=body)
    _, x, series = decode_frame(answer.content)
    assert (len(x), len(series)) == (100, 5000)
    assert series[-1]["max"].max() == 499.0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"series": []}, "series.none"),
        ({"series": [{"run": "0" * 32, "metric": "m"}]}, "run.unknown"),
        ({"series": [{"run": "0" * 32, "metric": "m"}] * 2001}, "series.too_many"),
        ({"series": [], "columns": 0}, "window.invalid"),
        ({"series": [], "smoothing": 1.0}, "window.invalid"),
        ({"series": [], "low": 2, "high": 1}, "window.invalid"),
        ({"series": [], "axis": "none"}, "request.invalid"),
    ],
)
def test_a_chart_that_cannot_be_is_refused(client, body, code):
    answer = client.post("/api/v1/series", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["code"] == code


def test_a_metric_as_x_pairs_by_step_and_orders_by_x(root, client):
    run = record(root, metrics={"loss": [4.0, 3.0, 2.0, 1.0], "tokens": [300.0, 100.0, math.nan, 200.0]})
    other = record(root, metrics={"loss": [9.0]})
    header, x, (series, lacking) = ask_series(
        client,
        {"run": run, "metric": "loss"},
        {"run": other, "metric": "loss"},
        axis="metric",
        x_metric="tokens",
    )
    assert (header["axis"], header["is_exact"]) == ("metric", True)
    assert (x.tolist(), series["last"].tolist()) == ([100.0, 200.0, 300.0], [3.0, 1.0, 4.0])
    assert lacking["count"].sum() == 0
    _, x, (series,) = ask_series(client, {"run": run, "metric": "loss"}, axis="metric", x_metric="tokens", low=150.5)
    assert x.tolist() == [200.0, 300.0]


def test_a_metric_as_x_that_is_not_named_is_refused(root, client):
    run = record(root, metrics={"loss": [4.0]})
    answer = client.post("/api/v1/series", json={"series": [{"run": run, "metric": "loss"}], "axis": "metric"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "series.x_metric")


# ── compare ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_runs_stand_side_by_side_in_the_order_asked_for(root, client):
    runs = [
        record(root, params={"lr": lr, "depth": 4}, metrics={"acc": [acc]}, tags=["all", f"t{lr}"])
        for lr, acc in ((0.1, 0.5), (0.2, 0.75), (0.3, math.nan))
    ]
    found = get_json(client, "/compare", runs=",".join(reversed(runs)))
    assert [row["id"] for row in found["runs"]] == runs[::-1]
    (acc,) = found["metrics"]
    assert (acc["key"], acc["values"], acc["best"], acc["direction"]) == ("acc", ["NaN", 0.75, 0.5], [1], "max")
    assert [(row["key"], row["values"]) for row in found["params"]] == [("lr", [0.3, 0.2, 0.1])]
    assert found["constant"] == [{"key": "depth", "value": 4}]
    assert found["shared_tags"] == ["all"]


def test_many_runs_are_compared_by_a_body_with_their_ids(root, client):
    runs = [record(root, params={"n": n}) for n in range(120)]
    answer = client.post("/api/v1/compare", json={"runs": runs})
    assert len(answer.json()["params"][0]["values"]) == 120


def test_an_archived_run_has_its_page_all_the_same(root, client):
    run = record(root, records=[Set(fields={"archived": True})])
    assert get_json(client, f"/runs/{run}")["row"]["is_archived"]


def test_references_are_listed_with_where_they_are(root, client):
    run = record(root, records=[Reference(uri="s3://bucket/x.pt", size=3, checksum="abc")])
    (artifact,) = get_json(client, f"/runs/{run}")["artifacts"]
    assert (artifact["uri"], artifact["path"], artifact["sha256"]) == ("s3://bucket/x.pt", "x.pt", None)
    answer = client.get(f"/api/v1/runs/{run}/artifacts/x.pt")
    assert answer.json()["error"]["code"] == "artifact.reference"


def test_a_run_that_began_a_moment_ago_is_found_by_whoever_has_its_id(root, client):
    for _ in range(5):  # each within a quarter of a second of the last look, so that none is due
        run = record(root, metrics={"loss": [1.0]})
        assert get_json(client, f"/runs/{run}")["row"]["id"] == run
        other = record(root, metrics={"loss": [1.0]})
        assert [row["id"] for row in get_json(client, "/compare", runs=f"{run},{other}")["runs"]] == [run, other]
    assert client.get("/api/v1/runs/" + "0" * 32).status_code == 404
