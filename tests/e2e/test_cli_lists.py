"""The command line's tables and JSON, through real processes over a store of recorded runs."""

import math

import pytest

from everbloom.core.clock import now_us
from everbloom.core.records import ExceptionInfo, File, Link, Media, Problem, Set
from everbloom.testing.command_line import run_cli
from everbloom.testing.stores import DAY_US, RunSpec, record_run

HOUR_US = DAY_US // 24


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Five runs of two projects and two namespaces, one of them failed, one archived."""
    root = tmp_path_factory.mktemp("store")
    start = now_us() - 5 * HOUR_US
    first = record_run(
        root,
        RunSpec(
            fields={
                "name": "first",
                "project": "news",
                "experiment": "heads",
                "why": "does depth help?",
                "objectives": {"val/acc": "max"},
                "user": "ada",
            },
            params={"lr": 0.1, "depth": 2, "seed": 42},
            tags=["baseline"],
            metrics={"val/acc": [0.1, 0.5, 0.7], "loss": [3.0, math.nan, 1.5], "lr": [0.1, 0.05, 0.01]},
            console="epoch 0\nloss falls\nepoch 1\n",
            records=[
                Link(url="https://wiki.example/design", title="the design"),
                Problem(code="value.not_scalar", message="metric 'x' was a list", count=3),
                File(path="models/best.pt", sha256="0" * 64, size=12, kind="model"),
                Media(name="confusion", kind="image", step=2, media_type="image/png", size=3, data=b"abc"),
            ],
        ),
        created_us=start,
    )
    record_run(
        root,
        RunSpec(
            fields={
                "name": "second",
                "project": "news",
                "experiment": "heads",
                "parent": first,
                "objectives": {"val/acc": "max"},
            },
            params={"lr": 0.03, "depth": 4, "seed": 42},
            metrics={"val/acc": [0.2, 0.9, 0.8], "loss": [3.0, 2.0, math.inf]},
            note="deeper is *better*",
        ),
        created_us=start + HOUR_US,
    )
    record_run(
        root,
        RunSpec(
            fields={"name": "broken", "project": "news", "experiment": "bodies", "parent": first},
            params={"lr": 1.0, "depth": 2, "seed": 42},
            end="failed",
            exception=ExceptionInfo(
                type="ValueError", message="shapes do not match", traceback="Traceback …\nValueError"
            ),
            console="out of memory soon\n",
        ),
        created_us=start + 2 * HOUR_US,
    )
    record_run(root, RunSpec(fields={"name": "pixels", "project": "vision"}), created_us=start + 3 * HOUR_US)
    record_run(
        root,
        RunSpec(fields={"name": "away", "namespace": "team", "project": "news"}, params={"depth": 9}),
        created_us=start + 4 * HOUR_US,
    )
    record_run(
        root,
        RunSpec(fields={"name": "old", "project": "news"}, records=[Set(fields={"archived": True})]),
        created_us=start,
    )
    return root


def names(answer):
    return [run["name"] for run in answer.data]


def test_ls_lists_the_current_namespace_newest_first_and_counts_the_rest(store):
    answer = run_cli(store, "ls")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.lines[1:5]] == ["pixels", "broken", "second", "first"]
    assert "1 more elsewhere: 1 in team/news (--everywhere shows them)" in answer.out


def test_ls_everywhere_shows_other_namespaces_and_names_them(store):
    answer = run_cli(store, "ls", "--everywhere")
    assert "namespace" in answer.lines[0]
    assert "away" in answer.out


def test_ls_in_a_pipe_has_iso_times_no_colour_and_aligned_columns(store):
    answer = run_cli(store, "ls", "-p", "news", "-s", "name")
    assert "\x1b" not in answer.out
    assert "\t" not in answer.out
    head, *rows = answer.lines[:4]
    column = head.index("state")
    assert [row[column - 2 : column] for row in rows] == ["  "] * 3
    assert all(row[column] != " " for row in rows)
    assert "Z " in rows[0]


def test_ls_shows_parameters_that_vary_and_not_those_that_do_not(store):
    head = run_cli(store, "ls", "-p", "news").lines[0].split()
    assert "depth" in head
    assert "seed" not in head
    assert "val/acc.max" in head


def test_ls_json_is_an_array_of_runs_with_exact_values(store):
    (run,) = run_cli(store, "ls", "name = first", "--json").data
    assert {"id", "name", "state", "project", "experiment", "namespace"} <= run.keys()
    assert len(run["id"]) == 32
    assert run["state"] == "finished"
    assert run["params"] == {"lr": 0.1, "depth": 2, "seed": 42}
    assert run["tags"] == ["baseline"]
    assert run["metrics"]["val/acc"]["max"] == 0.7
    assert run["metrics"]["val/acc"]["direction"] == "max"
    assert run["metrics"]["val/acc"]["is_guessed"] is False
    assert run["created"].endswith("Z")


def test_ls_json_spells_nan_and_infinity_as_texts(store):
    first, second = run_cli(store, "ls", "experiment = heads", "-s", "created", "--json").data
    assert first["metrics"]["loss"]["n"] == 3
    assert second["metrics"]["loss"]["last"] == "Infinity"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["state", "=", "failed"], ["broken"]),
        (["metrics.val/acc.max > 0.8"], ["second"]),
        (["created > -7d and params.depth = 2", "-s", "name"], ["broken", "first"]),
        (["created", ">", "-1h"], []),
        (["note", "~", "is *better*"], ["second"]),
        (["deeper"], ["second"]),
        (["-e", "bodies"], ["broken"]),
        (["--archived"], ["old"]),
        (["-p", "vision"], ["pixels"]),
        (["--namespace", "team"], ["away"]),
        (["-s", "-name", "-n", "2"], ["second", "pixels"]),
        (["-s", "name", "-n", "1", "--offset", "1"], ["first"]),
        (["-s", "name", "-n", "0"], ["broken", "first", "pixels", "second"]),
    ],
)
def test_ls_finds_what_the_filter_language_says(store, words, expected):
    assert names(run_cli(store, "ls", *words, "--json")) == expected


def test_ls_shows_the_columns_that_are_asked_for(store):
    answer = run_cli(store, "ls", "-c", "name,params.lr,metrics.loss.min,user,ended", "-p", "news", "-s", "name")
    assert answer.lines[0].split() == ["name", "lr", "loss.min", "user", "ended"]
    assert answer.lines[2].split()[:4] == ["first", "0.1", "1.5", "ada"]


def test_ls_shows_what_a_metric_was_at_a_step_and_sorts_by_no_such_thing(store):
    answer = run_cli(store, "ls", "-c", "name,metrics.val/acc.@1,metrics.val/acc.last", "-p", "news", "-s", "name")
    assert answer.lines[0].split() == ["name", "val/acc.@1", "val/acc"]
    assert answer.lines[2].split() == ["first", "0.5", "0.7"]
    refused = run_cli(store, "ls", "-s", "metrics.val/acc.@1")
    assert refused.code == 2
    assert "it can be a column and cannot be sorted by" in refused.err
    assert "[sort.at_step]" in refused.err


def test_ls_of_nothing_says_where_it_looked_and_where_there_is_more(store):
    answer = run_cli(store, "ls", "params.depth = 9")
    assert answer.code == 0
    assert "No run matches in namespace local." in answer.out
    assert "1 in team/news" in answer.out


def test_ls_of_nothing_says_which_key_no_run_has_and_what_was_perhaps_meant(store):
    out = run_cli(store, "ls", "params.deph > 1 and metrics.lost < 2").out
    assert "No run has params.deph. Did you mean params.depth?" in out
    assert "No run has metrics.lost." in out
    assert "No run has" not in run_cli(store, "ls", "params.depth = 77").out


def test_ls_says_that_nothing_is_sorted_by_a_key_that_no_run_has(store):
    said = "Nothing is sorted by metrics.lost.max. No run has metrics.lost.max. Did you mean metrics.loss.max"
    answer = run_cli(store, "ls", "-s", "-metrics.lost.max")
    assert said in answer.out
    assert "first" in answer.out
    as_json = run_cli(store, "ls", "-s", "-metrics.lost.max", "--json")
    assert said in as_json.err
    assert len(as_json.data) > 1
    assert "Nothing is sorted" not in run_cli(store, "ls", "-s", "-metrics.loss.max").out


def test_ls_says_that_no_number_is_less_than_a_text(store):
    out = run_cli(store, "ls", "params.lr < abc").out
    assert 'params.lr is a number wherever a run has it; "abc" is a text' in out
    assert "is a number" not in run_cli(store, "ls", "params.lr < 0").out
    assert "is a number" not in run_cli(store, "ls", "params.lr = abc").out


def test_a_bracket_that_is_not_closed_is_said_once(store):
    answer = run_cli(store, "ls", "(state = failed")
    assert "the bracket of column 1 is never closed; add `)`.\n" in answer.err


def test_a_name_of_several_runs_says_which_was_taken_by_an_end_that_means_it(tmp_path):
    older, newer = (record_run(tmp_path, RunSpec(fields={"name": "same"}), created_us=now_us() - at) for at in (9, 5))
    answer = run_cli(tmp_path, "show", "same")
    assert f"same fits 2 runs; this is the newest, same ({newer[-6:]})." in answer.err
    assert f"also same ({older[-6:]})" in answer.err
    assert run_cli(tmp_path, "show", newer[-6:], "--json").data["id"] == newer


def test_ls_takes_its_project_from_the_environment(store):
    assert names(run_cli(store, "ls", "--json", variables={"EVERBLOOM_PROJECT": "vision"})) == ["pixels"]


def test_show_has_everything_about_a_run(store):
    out = run_cli(store, "show", "first").out
    for words in (
        "first  ✓ finished", "local / news / heads", "does depth help?", "baseline", "ada",
        "Parameters", "depth", "Metrics", "val/acc", "max", "the design", "https://wiki.example/design",
        "models/best.pt", "confusion", "metric 'x' was a list [value.not_scalar] (3 times)",
    ):  # fmt: skip
        assert words in out


def test_show_says_why_a_run_failed(store):
    out = run_cli(store, "show", "broken").out
    assert "▲ failed" in out
    assert "ValueError: shapes do not match" in out
    assert "Traceback" in out
    assert "parent" in out
    assert "first (" in out


def test_show_json_holds_the_whole_run(store):
    run = run_cli(store, "show", "broken", "--json").data
    assert run["end"]["exception"]["type"] == "ValueError"
    assert run["cause"] == "exception"
    run = run_cli(store, "show", "first", "--json").data
    assert run["objectives"] == {"val/acc": "max"}
    assert run["links"][0]["title"] == "the design"
    assert run["artifacts"][0]["path"] == "models/best.pt"
    assert run["media"][0]["name"] == "confusion"
    assert run["problems"][0]["count"] == 3


def test_a_run_is_found_by_the_end_of_its_id(store):
    run = run_cli(store, "ls", "name = first", "--json").data[0]
    assert run_cli(store, "show", run["id"][-8:], "--json").data["name"] == "first"
    assert run_cli(store, "show", run["id"], "--json").data["name"] == "first"


def test_best_names_the_holder_the_direction_and_the_gain_over_the_baseline(store):
    answer = run_cli(store, "best")
    row = next(line for line in answer.lines if line.startswith("val/acc")).split()
    assert row[:5] == ["val/acc", "max", "0.9", "second", "+0.2"]
    assert "min (guessed)" in next(line for line in answer.lines if line.startswith("loss"))
    assert "baseline first" in answer.out


def test_best_json_has_the_staircase(store):
    (found,) = run_cli(store, "best", "val/acc", "--json").data
    assert found["value"] == 0.9
    assert found["gain"] == pytest.approx(0.2)
    assert [step["value"] for step in found["staircase"]] == [0.7, 0.9]


def test_best_of_a_metric_without_direction_asks_for_one_and_takes_it(store):
    refused = run_cli(store, "best", "lr")
    assert refused.code == 2
    assert "metric.no_direction" in refused.err
    (found,) = run_cli(store, "best", "--min", "lr", "--json").data
    assert (found["metric"], found["value"]) == ("lr", 0.01)


def test_best_without_a_baseline_tells_the_gain_over_the_median(store):
    (found,) = run_cli(store, "best", "val/acc", "--filter", "name = second", "-e", "heads", "--json").data
    assert found["reference_is"] == "baseline"
    root_without = run_cli(store, "best", "-p", "vision")
    assert "No matching run has a metric" in root_without.out


def test_compare_puts_what_differs_first_and_folds_what_does_not(store):
    out = run_cli(store, "compare", "first", "second").out
    assert "same in all: seed = 42" in out
    lines = out.splitlines()
    assert next(line for line in lines if line.startswith("lr ")).split() == ["lr", "0.1", "0.03"]
    assert next(line for line in lines if line.startswith("val/acc")).split() == ["val/acc.max", "0.7", "0.9", "★"]


def test_compare_json_marks_the_best_by_id(store):
    compared = run_cli(store, "compare", "first", "second", "--json", "--curves", "val/acc").data
    metric = next(m for m in compared["metrics"] if m["metric"] == "val/acc")
    assert metric["values"] == [0.7, 0.9]
    assert metric["best"] == [compared["runs"][1]["id"]]
    assert compared["curves"]["val/acc"]["steps"] == [0, 1, 2]


def test_compare_draws_curves(store):
    out = run_cli(store, "compare", "first", "second", "--curves", "val/acc").out
    assert [line.split()[:2] for line in out.splitlines()[-2:]] == [["first", "▁▅▆"], ["second", "▂██"]]


def test_compare_takes_any_number_of_runs_and_lists_many_line_by_line_in_a_pipe(tmp_path):
    names = [f"r{number}" for number in range(12)]
    for number, name in enumerate(names):
        metrics = {"acc": [number / 20]} | ({"odd": [1.0]} if number == 3 else {})
        spec = RunSpec(fields={"name": name}, params={f"p{i}": i * number for i in range(40)}, metrics=metrics)
        record_run(tmp_path, spec)
    lines = run_cli(tmp_path, "compare", *names).lines
    assert lines[0].split() == ["key", "run", "value", "best"]
    assert [line.split() for line in lines if line.startswith("acc.max ")][-1] == [
        "acc.max",
        "r11",
        "0.55",
        "★",
        "(guessed)",
    ]
    assert [line.split()[2] for line in lines if line.startswith("p7 ")] == [str(7 * number) for number in range(12)]
    assert [line.split() for line in lines if line.startswith("odd.last")] == [["odd.last", "r3", "1"]]
    assert max(map(len, lines)) < 80


def test_tree_draws_branches_with_what_changed_and_marks_the_best_path(store):
    lines = run_cli(store, "tree", "-p", "news").lines
    assert lines[0].startswith("★ first")
    assert "└─ broken" in "\n".join(lines)
    second = next(line for line in lines if "second" in line)
    assert second.startswith("├─ ★ second")
    assert "(+0.2 better)" in second
    assert "depth 2 → 4" in second
    assert "lr 0.1 → 0.03" in second


def test_tree_json_nests_children(store):
    (root,) = run_cli(store, "tree", "-p", "news", "--json").data
    assert [child["name"] for child in root["children"]] == ["second", "broken"]
    assert root["children"][0]["changes"]["changed"]["depth"] == {"from": 2, "to": 4}


def test_tree_of_a_long_chain_stays_on_the_screen(tmp_path):
    parent = None
    for number in range(60):
        parent = record_run(tmp_path, RunSpec(fields={"name": f"r{number}", "parent": parent}))
    lines = run_cli(tmp_path, "tree").lines
    assert len(lines) >= 60
    assert max(map(len, lines)) < 60


def test_logs_are_exactly_what_was_printed(store):
    assert run_cli(store, "logs", "first").out == "epoch 0\nloss falls\nepoch 1\n"
    assert run_cli(store, "logs", "first", "--tail", "1").out == "epoch 1\n"


def test_logs_are_searched_with_line_numbers(store):
    assert run_cli(store, "logs", "first", "--grep", "LOSS").out == "2: loss falls\n"
    assert run_cli(store, "logs", "first", "--grep", "epoch", "--json").data == [
        {"line": 1, "text": "epoch 0"},
        {"line": 3, "text": "epoch 1"},
    ]


def test_logs_are_saved_and_the_run_keeps_them(store, tmp_path):
    target = tmp_path / "out.txt"
    assert run_cli(store, "logs", "first", "--save", str(target)).code == 0
    assert target.read_text() == "epoch 0\nloss falls\nepoch 1\n"
    assert run_cli(store, "logs", "first").out == target.read_text()


def test_search_says_where_a_run_matches(store):
    lines = run_cli(store, "search", "memory").lines
    assert lines[0].split()[0] == "broken"
    assert "console" in lines[0]
    assert "out of memory soon" in lines[0]
    assert names(run_cli(store, "search", "deeper", "better", "--json")) == ["second"]


def test_search_that_finds_nothing_says_so(store):
    assert "No run says or printed 'unheard'." in run_cli(store, "search", "unheard").out


def test_search_counts_what_matches_elsewhere(store):
    assert "1 in team/news (--everywhere shows them)" in run_cli(store, "search", "away").out


def test_metrics_and_series_give_all_points(store):
    assert [m["metric"] for m in run_cli(store, "metrics", "first", "--json").data] == ["loss", "lr", "val/acc"]
    lines = run_cli(store, "series", "first", "loss").lines
    assert lines[0] == "step,value,time"
    assert [line.split(",")[:2] for line in lines[1:]] == [["0", "3.0"], ["1", "nan"], ["2", "1.5"]]
    series = run_cli(store, "series", "first", "loss", "--json").data
    assert series["steps"] == [0, 1, 2]
    assert series["values"] == [3.0, "NaN", 1.5]


def test_files_lists_what_a_run_kept(store):
    out = run_cli(store, "files", "first").out
    assert "models/best.pt" in out
    assert "confusion" in out


def test_storage_adds_up(store):
    data = run_cli(store, "storage", "--json").data
    assert data["bytes"] == sum(part["bytes"] for part in data["parts"].values())
    assert data["parts"]["runs"]["bytes"] > 0


def test_reindex_builds_the_same_answers_anew(store):
    before = run_cli(store, "ls", "--json", "--everywhere").data
    assert run_cli(store, "reindex", "--json").data["runs"] == 6
    assert run_cli(store, "ls", "--json", "--everywhere").data == before


def test_settings_say_where_each_is_from(store, tmp_path):
    (tmp_path / "everbloom.toml").write_text('project = "vision"\n')
    rows = run_cli(store, "settings", "--namespace", "team", "--json", folder=tmp_path).data
    origins = {row["name"]: (row["value"], row["from"]) for row in rows}
    assert origins["root"] == (str(store), "EVERBLOOM_ROOT")
    assert origins["project"] == ("vision", str(tmp_path / "everbloom.toml"))
    assert origins["namespace"] == ("team", "--namespace")
    assert origins["database"] == (None, "default")
    assert origins["user"] == ("tester", "EVERBLOOM_USER")


def test_storage_packs_closed_runs_and_they_read_the_same(tmp_path):
    for number in range(3):
        record_run(tmp_path, RunSpec(fields={"name": f"r{number}"}, metrics={"loss": [3.0, 2.0]}, console="hello\n"))
    before = run_cli(tmp_path, "ls", "--json").data
    packed = run_cli(tmp_path, "storage", "--pack", "--json").data
    assert packed["packed"] == 3
    assert packed["parts"]["runs"]["files"] == 0
    assert packed["parts"]["packs"]["files"] == 3
    assert run_cli(tmp_path, "ls", "--json").data == before
    assert run_cli(tmp_path, "logs", "r1").out == "hello\n"
    assert run_cli(tmp_path, "series", "r1", "loss", "--json").data["values"] == [3.0, 2.0]
    assert run_cli(tmp_path, "storage", "--pack", "--json").data["packed"] == 0


def test_a_kept_file_is_copied_out_and_never_over_another(tmp_path):
    from everbloom.artifacts.local import store_bytes

    root, target = tmp_path / "store", tmp_path / "out"
    sha256, size = store_bytes(root, b"weights")
    record_run(
        root,
        RunSpec(
            fields={"name": "kept"},
            records=[
                File(path="models/best.pt", sha256=sha256, size=size),
                File(path="../../evil", sha256=sha256, size=size),
            ],
        ),
    )
    target.mkdir()
    assert run_cli(root, "get", "kept", "models/best.pt", "-o", str(target)).code == 0
    assert (target / "best.pt").read_bytes() == b"weights"
    refused = run_cli(root, "get", "kept", "models/best.pt", "-o", str(target))
    assert (refused.code, "file.exists" in refused.err) == (2, True)
    assert run_cli(root, "get", "kept", "models/best.pt", "-o", str(target / "best.pt"), "--force").code == 0
    assert run_cli(root, "get", "kept", "models/best.pt", "-o", "-").out == "weights"


def test_a_kept_path_cannot_leave_the_folder_that_it_is_copied_to(tmp_path):
    from everbloom.artifacts.local import store_bytes

    root, target = tmp_path / "store", tmp_path / "a" / "out"
    sha256, size = store_bytes(root, b"weights")
    file = File(path="../../evil", sha256=sha256, size=size)
    record_run(root, RunSpec(fields={"name": "crafted"}, records=[file]))
    target.mkdir(parents=True)
    run_cli(root, "get", "crafted", "../../evil", "-o", str(target))
    assert [path for path in tmp_path.rglob("evil") if path.parent != target] == []
