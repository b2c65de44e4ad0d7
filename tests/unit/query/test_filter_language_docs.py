"""The reference page is held to: its filters parse, its tables of examples come out as they say."""

import json
import re
from pathlib import Path

import pytest

from everbloom.core.errors import InvalidInput
from everbloom.core.values import SUMMARIES
from everbloom.query.evaluate import evaluate
from everbloom.query.language.keys import FAMILIES, FIXED, OPERATORS
from everbloom.query.language.parser import RESERVED, parse_filter
from everbloom.query.language.printer import print_filter
from everbloom.query.language.sorting import parse_order
from everbloom.query.order import order_rows
from everbloom.testing.filters import RunsInMemory, haystack_of, print_order
from everbloom.testing.oracle import matching_rows

PAGE = (Path(__file__).parents[3] / "docs/reference/filter-language.md").read_text("utf-8")


def read_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def read_table(first_header: str) -> list[list[str]]:
    lines = PAGE.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_header} |"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return [rows[0], *rows[2:]]


def unquote(cell: str) -> str:
    return cell.strip("`")


def read_runs():
    header, *rows = read_table("id")
    runs = []
    for row in rows:
        cells = {key: unquote(cell) for key, cell in zip(header, row, strict=True) if cell}
        run = {key: cells[key] for key in ("id", "name")}
        run |= {
            key: json.loads(text.replace("nan", "NaN").replace("inf", "Infinity"))
            for key, text in cells.items()
            if key not in run
        }
        runs.append(run | {"haystack": haystack_of(run)})
    return runs


RUNS = read_runs()
IDS = [run["id"] for run in RUNS]


@pytest.mark.parametrize("line", [line for block in read_blocks("filter") for line in block.splitlines()])
def test_filters_on_the_page_parse_and_print_back(line):
    parsed = parse_filter(line)
    assert parse_filter(print_filter(parsed)) == parsed


@pytest.mark.parametrize("line", [line for block in read_blocks("order") for line in block.splitlines()])
def test_orders_on_the_page_parse_and_print_back(line):
    assert print_order(parse_order(line)) == line


@pytest.mark.parametrize(("text", "finds"), [row[:2] for row in read_table("filter")[1:]])
def test_each_example_finds_what_the_page_says(text, finds):
    text = unquote(text)
    if finds.startswith("error"):
        with pytest.raises(InvalidInput) as caught:
            parse_filter(text)
        assert caught.value.code == unquote(finds.removeprefix("error "))
        return
    mask = evaluate(parse_filter(text), RunsInMemory(RUNS))
    expected = unquote(finds).split()
    assert [id_ for id_, found in zip(IDS, mask, strict=True) if found] == expected
    assert [IDS[row] for row in matching_rows(parse_filter(text), RUNS, now_us=0)] == expected


@pytest.mark.parametrize(("text", "gives"), read_table("order")[1:])
def test_each_order_gives_what_the_page_says(text, gives):
    rows = order_rows(None, parse_order(unquote(text)), RunsInMemory(RUNS))
    assert " ".join(IDS[row] for row in rows) == unquote(gives)


@pytest.mark.parametrize("block", read_blocks("error"))
def test_each_error_on_the_page_reads_as_shown(block):
    text = block.splitlines()[1].strip()
    with pytest.raises(InvalidInput) as caught:
        parse_filter(text, known=["metrics.loss.last"])
    assert str(caught.value) == block.rstrip("\n")


def test_the_page_names_every_key_operator_and_summary():
    keys = " ".join(row[0] for row in read_table("key")[1:])
    named = set(re.findall(r"`([^`]+)`", keys))
    assert named == set(FIXED) | {f"{family}.*" for family in FAMILIES}
    grammar = read_blocks("ebnf")[0]
    assert all(f'"{word}"' in grammar for word in (*RESERVED, *SUMMARIES, "null", "nan"))


@pytest.mark.parametrize("row", read_table("key")[1:], ids=lambda row: row[0])
def test_the_page_gives_each_key_the_operators_it_has(row):
    spelled = {"equal": "=", "order": "<", "in": "in", "match": "~", "null": "is"}
    for name in re.findall(r"`([^`]+)`", row[0]):
        info = FIXED.get(name) or FAMILIES[name.removesuffix(".*")]
        shown = row[2].replace("`", "").replace(",", "").split()
        expected = {sign for group, sign in spelled.items() if group in OPERATORS[info.kind]}
        assert shown == ["all"] or set(shown) & set(spelled.values()) == expected
        assert (shown == ["all"]) == (len(OPERATORS[info.kind]) == 6)
