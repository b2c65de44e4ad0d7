"""What the command line says of what it leaves out, and of what it cannot take."""

import pytest

from everbloom.testing.command_line import run_cli
from everbloom.testing.stores import RunSpec, record_run


def test_show_says_how_many_metrics_and_curves_it_leaves_out(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "wide"}, metrics={f"m{i:03}": [1, 2] for i in range(100)}))
    shown = run_cli(tmp_path, "show", "wide").out
    assert "36 more: everbloom metrics wide" in shown
    assert "24 curves are left out" in shown
    assert "m063" in shown
    assert "m064" not in shown
    listed = run_cli(tmp_path, "metrics", "wide").out
    assert "m099" in listed
    assert "60 curves are left out" in listed


@pytest.mark.parametrize(("columns", "place"), [("nope", 1), ("name,nope", 6)])
def test_an_unknown_column_is_called_one(tmp_path, columns, place):
    record_run(tmp_path)
    assert f"columns, column {place}:" in run_cli(tmp_path, "ls", "-c", columns).err


def test_a_seed_that_is_a_parameter_too_is_compared_once(tmp_path):
    for seed in (1, 2):
        record_run(tmp_path, RunSpec(fields={"name": f"s{seed}", "seed": seed}, params={"seed": seed}))
    compared = run_cli(tmp_path, "compare", "s1", "s2").out
    assert [line.split()[0] for line in compared.splitlines() if line.strip()].count("seed") == 1
