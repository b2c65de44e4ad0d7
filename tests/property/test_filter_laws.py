"""Laws of the filter language: it prints what it parses, and it agrees with a plain-Python oracle."""

import string

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from everbloom.core.errors import InvalidInput
from everbloom.query.evaluate import evaluate, like_test
from everbloom.query.language.ast import And, Compare, Filter, Match, Not, Or, Search, Text
from everbloom.query.language.complete import complete
from everbloom.query.language.keys import Key
from everbloom.query.language.parser import parse_filter
from everbloom.query.language.printer import print_filter
from everbloom.query.language.sorting import parse_order
from everbloom.query.order import order_rows
from everbloom.testing.filters import NOW_US, RunsInMemory, generate_filter, generate_order, generate_runs, print_order
from everbloom.testing.oracle import matching_rows, meets, sorted_rows

RUNS = [generate_runs(seed, 40) for seed in range(20)]
SOURCES = [RunsInMemory(runs) for runs in RUNS]

seeds = st.integers(0, 2**32)
snippets = st.lists(
    st.sampled_from(
        "and or not in like is null nan true params.lr metrics.loss.max tag state created console ~ = != < >= ( ) , "
        '"a b" \'x\' 3 1e-3 -7d 2026-11-24 adam " params." metrics ! % 🌱'.split(" ")
    ),
    max_size=14,
).map(" ".join)
any_text = st.text(max_size=40) | st.text(string.printable, max_size=40) | snippets
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
leaves = (
    st.builds(Search, st.text(st.characters(codec="utf-8"), max_size=12))
    | st.builds(lambda name, text: Compare(Key("params", name), "=", Text(text)), names, st.text(max_size=8))
    | st.builds(lambda name, text: Match(Key("data", name), "like", text), names, st.text())
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=4).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, min_size=2, max_size=4).map(lambda parts: Or(tuple(parts)))
    ),
    max_leaves=12,
)


def parse_or_complain(parse, text):
    try:
        return parse(text), None
    except InvalidInput as error:
        return None, error


def test_two_thousand_generated_filters_print_and_parse_back_and_find_what_the_oracle_finds():
    telling = 0
    for seed in range(2_000):
        runs, source = RUNS[seed % 20], SOURCES[seed % 20]
        parsed = generate_filter(seed)
        printed = print_filter(parsed)
        assert parse_filter(printed) == parsed, printed
        found = np.flatnonzero(evaluate(parsed, source)).tolist()
        assert found == matching_rows(parsed, runs, now_us=NOW_US), printed
        telling += 0 < len(found) < len(runs)
    assert telling > 800  # filters that find all or nothing would prove little


@given(seed=seeds, runs=st.integers(0, 19), offset=st.integers(0, 45), limit=st.none() | st.integers(0, 45))
@settings(max_examples=300, deadline=None)
def test_generated_orders_and_pages_are_the_oracles(seed, runs, offset, limit):
    parsed, order = generate_filter(seed), generate_order(seed)
    assert parse_order(print_order(order)) == order
    mask = evaluate(parsed, SOURCES[runs])
    whole = sorted_rows(np.flatnonzero(mask).tolist(), RUNS[runs], order)
    page = order_rows(mask, order, SOURCES[runs], offset=offset, limit=limit)
    assert page.tolist() == whole[offset : None if limit is None else offset + limit]


@given(tree=trees)
@settings(max_examples=300, deadline=None)
def test_parsing_undoes_printing(tree: Filter):
    assert parse_filter(print_filter(tree)) == tree


@given(root=st.sampled_from(("params", "env", "code", "data")), name=names)
@settings(max_examples=200, deadline=None)
def test_any_name_can_be_written_as_a_key(root, name):
    order = parse_order(print_order(parse_order(f'{root}."{name.replace(chr(34), chr(34) * 2)}"')))
    assert order[0].key == Key(root, name)


@given(text=any_text)
@settings(max_examples=600, deadline=None)
def test_any_text_is_a_filter_or_a_complaint_that_points_into_it(text):
    parsed, error = parse_or_complain(parse_filter, text)
    if error is not None:
        assert error.code.startswith("filter.")
        assert 1 <= error.fields["column"] <= len(text) + 1
        return
    assert parse_filter(print_filter(parsed)) == parsed
    assert evaluate(parsed, SOURCES[0]).shape == (40,)


@given(text=any_text)
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_order_or_a_complaint(text):
    order, error = parse_or_complain(parse_order, text)
    if error is not None:
        assert error.code.startswith("sort.")
        return
    assert parse_order(print_order(order)) == order


@given(text=any_text, at=st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_completion_never_fails(text, at):
    cursor = min(at, len(text))
    found = complete(text, cursor, columns=("params.lr", "metrics.loss.max", 'params.say "hi"'))
    assert 0 <= found.start <= found.end == cursor


@given(pattern=st.text("ab%_\\", max_size=8), text=st.text("ab%_\\", max_size=8))
@settings(max_examples=500, deadline=None)
def test_like_agrees_with_the_textbook_table(pattern, text):
    run = {"name": text}
    assert like_test(pattern)(text) == meets(Match(Key("name"), "like", pattern), run, 0)


@given(left=seeds, right=seeds, runs=st.integers(0, 19))
@settings(max_examples=100, deadline=None)
def test_the_logic_is_two_valued(left, right, runs):
    a, b = generate_filter(left), generate_filter(right)
    assume(a != b)
    source = SOURCES[runs]
    de_morgan = Or((Not(a), Not(b)))
    assert (evaluate(Not(And((a, b))), source) == evaluate(de_morgan, source)).all()
    assert (evaluate(Not(a), source) != evaluate(a, source)).all()
