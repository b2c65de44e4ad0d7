"""What the command line says of what it leaves out, and of what it cannot take."""

import pytest

from everbloom.core.records import Reference
from everbloom.testing.command_line import run_cli
from everbloom.testing.stores import RunSpec, record_run


def test_show_leaves_curves_of_many_metrics_out_and_says_so(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "wide"}, metrics={f"m{i:03}": [1, 2] for i in range(64)}))
    shown = run_cli(tmp_path, "show", "wide").out
    assert "24 curves are left out" in shown
    assert "m063" in shown
    assert "60 curves" not in shown


def test_show_has_some_metrics_of_each_of_the_first_groups_and_counts_the_rest(tmp_path):
    metrics = {f"layer{group:02}/w{i:03}": [1, 2] for group in range(20) for i in range(50)} | {
        "zeta/acc": [0.5],
        "loss": [1.0],
    }
    record_run(tmp_path, RunSpec(fields={"name": "wide", "objectives": {"zeta/acc": "max"}}, metrics=metrics))
    shown = run_cli(tmp_path, "show", "wide").out
    assert [word for word in shown.split() if word.startswith("layer05/w")] == [f"layer05/w00{i}" for i in range(3)]
    assert "layer06/w000" not in shown
    first = [line.split()[0] for line in shown[shown.index("Metrics") :].splitlines()[2:4]]
    assert first == ["zeta/acc", "loss"]  # what the run is for, then what stands in no group
    assert "20 of 1,002 metrics are shown" in shown
    assert "no group 1, zeta/ 1, layer00/ 50, layer01/ 50" in shown
    assert "and 14 groups more" in shown
    assert "everbloom show wide --metrics 'zeta/*'" in shown


def test_all_metrics_that_fit_a_pattern_are_shown_however_many(tmp_path):
    metrics = {f"layer{group}/w{i:03}": [1, 2] for group in range(2) for i in range(100)}
    record_run(tmp_path, RunSpec(fields={"name": "wide"}, metrics=metrics))
    shown = run_cli(tmp_path, "show", "wide", "--metrics", "layer1/*").out
    assert [word for word in shown.split() if word.startswith("layer")] == [f"layer1/w{i:03}" for i in range(100)]
    assert len(run_cli(tmp_path, "show", "wide", "--json").data["metrics"]) == 200
    listed = run_cli(tmp_path, "metrics", "wide").out
    assert len([word for word in listed.split() if word.startswith("layer")]) == 200
    assert (
        run_cli(tmp_path, "metrics", "wide", "--metrics", "none*").err.strip() == "wide has no metric that fits 'none*'"
    )


def test_resources_are_listed_for_programs_and_where_they_are_asked_for(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "a"}, metrics={"loss": [1.0], "system/cpu.percent": [50.0]}))
    assert "system/" not in run_cli(tmp_path, "metrics", "a").out
    assert "system/cpu.percent" in run_cli(tmp_path, "metrics", "a", "--metrics", "system/*").out
    listed = run_cli(tmp_path, "metrics", "a", "--json").data
    assert [metric["metric"] for metric in listed] == ["loss", "system/cpu.percent"]


def record_ranks(root):
    run = record_run(root, RunSpec(fields={"name": "ranks"}, metrics={"loss": [4.0, 2.0]}))
    record_run(root, RunSpec(metrics={"loss": [8.0, 4.0, 3.0], "gpu": [0.5]}, rank=1), run=run)


def test_show_says_how_many_ranks_there_are_and_reduces_them_if_asked(tmp_path):
    record_ranks(tmp_path)
    shown = run_cli(tmp_path, "show", "ranks").out
    assert "ranks       2 (0, 1); --reduce mean, min or max sums all of them up" in shown
    rows = {row[0]: row[1:] for line in shown.splitlines() if (row := line.split()) and row[0] in ("loss", "gpu")}
    assert (rows["loss"][0], rows["gpu"][0], rows["loss"][2]) == ("0", "1", "2")
    reduced = run_cli(tmp_path, "show", "ranks", "--reduce", "mean", "--json").data["metrics"]
    assert (reduced["loss"]["first"], reduced["loss"]["last"], reduced["loss"]["n"]) == (6.0, 2.5, 5)
    assert reduced["gpu"]["last"] == 0.5
    assert run_cli(tmp_path, "show", "ranks", "--json").data["ranks"] == [0, 1]
    listed = run_cli(tmp_path, "metrics", "ranks", "--reduce", "max", "--json").data
    assert [(metric["metric"], metric["max"]) for metric in listed] == [("gpu", 0.5), ("loss", 8.0)]


def test_series_prints_one_rank_or_all_of_them_with_their_range(tmp_path):
    record_ranks(tmp_path)
    assert [line[:7] for line in run_cli(tmp_path, "series", "ranks", "loss").out.split()] == [
        "step,va",
        "0,4.0,2",
        "1,2.0,2",
    ]
    assert run_cli(tmp_path, "series", "ranks", "gpu").out.split()[1].startswith("0,0.5,")
    rows = run_cli(tmp_path, "series", "ranks", "loss", "--reduce", "mean").out.split()
    assert rows[0] == "step,value,low,high,time"
    assert [row.rpartition(",")[0] for row in rows[1:]] == ["0,6.0,4.0,8.0", "1,3.0,2.0,4.0", "2,3.0,3.0,3.0"]
    both = run_cli(tmp_path, "series", "ranks", "loss", "--rank", "1", "--reduce", "mean")
    assert (both.code, "series.rank_and_reduce" in both.err) == (2, True)


def test_show_says_why_a_fork_shares_nothing(tmp_path):
    missing = Reference(uri=f"everbloom:{'0' * 32}", kind="fork", checksum="step 7")
    record_run(tmp_path, RunSpec(fields={"name": "orphan"}, metrics={"loss": [1.0]}, records=[missing]))
    shown = run_cli(tmp_path, "show", "orphan").out
    assert f"from {'0' * 32} at step 7 (that run cannot be read here: its points are not shared)" in shown


@pytest.mark.parametrize(("columns", "place"), [("nope", 1), ("name,nope", 6)])
def test_an_unknown_column_is_called_one(tmp_path, columns, place):
    record_run(tmp_path)
    assert f"columns, column {place}:" in run_cli(tmp_path, "ls", "-c", columns).err


def test_a_seed_that_is_a_parameter_too_is_compared_once(tmp_path):
    for seed in (1, 2):
        record_run(tmp_path, RunSpec(fields={"name": f"s{seed}", "seed": seed}, params={"seed": seed}))
    compared = run_cli(tmp_path, "compare", "s1", "s2").out
    assert [line.split()[0] for line in compared.splitlines() if line.strip()].count("seed") == 1
