"""What people see on a terminal: width, colour, relative times, signs."""

import pytest

from everbloom.cli.output.text import clean_console, measure
from everbloom.core.clock import now_us
from everbloom.core.ids import default_name, new_run_id
from everbloom.testing.command_line import run_cli, run_cli_on_terminal
from everbloom.testing.stores import RunSpec, record_run

NAMES = ["größe 模型 🚀", "a very long name of a run that somebody typed with great care", "x", "👩\u200d👧 family"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    parent = None
    for number in range(300):
        run = new_run_id(now_us())
        name = NAMES[number] if number < len(NAMES) else default_name(run)
        parent = record_run(
            root,
            RunSpec(
                fields={
                    "name": name,
                    "project": f"p{number % 2}",
                    "why": "w" * 80,
                    "parent": parent if number % 5 else None,
                },
                params={f"parameter_{i}": number * 10.0**-i for i in range(10)},
                tags=["t" * 30] if number % 3 else [],
                metrics={f"val/metric_{i}": [number / 300, i / 7] for i in range(4)} | {"val/loss": [1 / (number + 1)]},
                note="n" * 300,
                end="failed" if number % 7 == 0 else "finished",
            ),
            run=run,
            created_us=now_us() - (300 - number) * 60_000_000,
        )
    run_cli(root, "ls")
    return root


def bare(out):
    return [clean_console(line, has_colour=False) for line in out.splitlines()]


@pytest.mark.parametrize("columns", [60, 80, 160])
@pytest.mark.parametrize(
    "arguments",
    [
        ["ls"],
        ["ls", "-n", "0"],
        ["ls", "--everywhere"],
        ["best"],
        ["tree"],
        ["search", "nnn"],
        ["show", "x"],
        ["metrics", "x"],
        ["compare", "x", NAMES[0], NAMES[1]],
        ["compare", "x", NAMES[0], "--curves", "val/loss"],
        ["settings"],
        ["storage"],
    ],
    ids=" ".join,
)
def test_no_line_is_wider_than_the_terminal(store, arguments, columns):
    answer = run_cli_on_terminal(store, *arguments, columns=columns)
    assert answer.code == 0, answer.out
    too_wide = [line for line in bare(answer.out) if measure(line) > columns and str(store) not in line]
    assert too_wide == []


def test_a_terminal_has_colour_relative_times_and_names_what_had_no_room(store):
    out = run_cli_on_terminal(store, "ls", columns=80).out
    assert "\x1b[" in out
    assert "min ago" in out
    assert "no room for" in out


def test_no_color_means_no_escape_at_all(store):
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in run_cli_on_terminal(store, "show", "x", variables=variables).out


def test_a_pipe_gets_all_rows_in_full_width(store):
    out = run_cli(store, "ls", "-n", "0").out
    assert NAMES[1] in out
    assert len(out.splitlines()) >= 300
    assert "no room for" not in out


def test_columns_stay_aligned_under_wide_names(store):
    lines = bare(run_cli_on_terminal(store, "ls", "-s", "created", "-n", "4", "-c", "name,state", columns=100).out)
    positions = {measure(line[: line.index(sign)]) for line in lines[1:5] for sign in "✓▲" if sign in line}
    assert len(positions) == 1


def test_columns_of_the_environment_set_the_width(store):
    answer = run_cli_on_terminal(store, "ls", columns=200, variables={"COLUMNS": "60"})
    assert max(map(measure, bare(answer.out))) <= 60


def test_the_same_json_is_written_to_a_terminal_and_to_a_pipe(store):
    import msgspec

    piped = run_cli(store, "ls", "-n", "5", "-s", "created", "--json").data
    shown = run_cli_on_terminal(store, "ls", "-n", "5", "-s", "created", "--json").out
    assert msgspec.json.decode(shown) == piped
