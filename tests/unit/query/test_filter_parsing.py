"""Text to syntax tree and back."""

import math

import pytest

from everbloom.query.language.ast import (
    And,
    Bool,
    Check,
    Compare,
    Match,
    Member,
    Moment,
    Not,
    Number,
    Or,
    Search,
    Span,
    Text,
)
from everbloom.query.language.keys import Key, is_column, key_of_column, print_key
from everbloom.query.language.literals import DAY_US, MINUTE_US, SECOND_US
from everbloom.query.language.parser import DEPTH_MAX, parse_filter
from everbloom.query.language.printer import print_filter
from everbloom.query.language.sorting import parse_order
from everbloom.testing.filters import print_order

A, B, C = Search("a"), Search("b"), Search("c")
NOV_24_US = 1_795_478_400_000_000


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u00a0"])
def test_a_blank_filter_is_none(text):
    assert parse_filter(text) is None
    assert print_filter(None) == ""


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a b or c", Or((And((A, B)), C))),
        ("a or b c", Or((A, And((B, C))))),
        ("a and (b or c)", And((A, Or((B, C))))),
        ("not a b", And((Not(A), B))),
        ("Not not a", Not(Not(A))),
        ("not (a or b)", Not(Or((A, B)))),
        ("(a and b) and c", And((A, B, C))),
        ("((a))", A),
        ("'a'", A),
        ("a 'b' \"c\"", And((A, B, C))),
    ],
)
def test_not_binds_tighter_than_and_and_tighter_than_or(text, tree):
    assert parse_filter(text) == tree


def test_the_filter_of_the_design_parses():
    text = 'metrics.val/acc.max > 0.9 and params.lr < 1e-3 and tag = "baseline" and created > -7d and domain = "news"'
    assert parse_filter(text) == And(
        (
            Compare(Key("metrics", "val/acc", "max"), ">", Number(0.9)),
            Compare(Key("params", "lr"), "<", Number(1e-3)),
            Compare(Key("tag"), "=", Text("baseline")),
            Compare(Key("created"), ">", Span(-7 * 86400)),
            Compare(Key("domain"), "=", Text("news")),
        )
    )
    assert print_filter(parse_filter(text)) == text.replace("1e-3", "0.001")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("params.x=3", Compare(Key("params", "x"), "=", Number(3))),
        ("params.x == 3", Compare(Key("params", "x"), "=", Number(3))),
        ("params.x<>-1e-3", Compare(Key("params", "x"), "!=", Number(-0.001))),
        ("params.x>=.5", Compare(Key("params", "x"), ">=", Number(0.5))),
        ("params.x <= -INF", Compare(Key("params", "x"), "<=", Number(-math.inf))),
        ("params.x = TRUE", Compare(Key("params", "x"), "=", Bool(True))),
        ('params.x = "true"', Compare(Key("params", "x"), "=", Text("true"))),
        ("params.x = adam", Compare(Key("params", "x"), "=", Text("adam"))),
        ("params.x = 3h", Compare(Key("params", "x"), "=", Text("3h"))),
        ("params.x = 1e999", Compare(Key("params", "x"), "=", Text("1e999"))),
        ('metrics.x > "0.5"', Compare(Key("metrics", "x", "last"), ">", Number(0.5))),
        ("name = 42", Compare(Key("name"), "=", Text("42"))),
        ("tag = 2026-11-24", Compare(Key("tag"), "=", Text("2026-11-24"))),
        ("env.torch >= 2.10", Compare(Key("env", "torch"), ">=", Text("2.10"))),
        ("archived = False", Compare(Key("archived"), "=", Bool(False))),
        ("duration > 1h30m", Compare(Key("duration"), ">", Span(5400))),
        ("duration > 1.5h", Compare(Key("duration"), ">", Span(5400))),
        ("duration > 90", Compare(Key("duration"), ">", Number(90))),
        ("created > -2w", Compare(Key("created"), ">", Span(-14 * 86400))),
        ("created > 1795478400000000", Compare(Key("created"), ">", Number(NOV_24_US))),
        ("state IN (failed, 'killed')", Member(Key("state"), (Text("failed"), Text("killed")))),
        ("params.x not in (1)", Member(Key("params", "x"), (Number(1),), True)),
        ("not params.x in (1)", Not(Member(Key("params", "x"), (Number(1),)))),
        ("name ~ foo", Match(Key("name"), "~", "foo")),
        ("name not~ 3", Match(Key("name"), "~", "3", True)),
        ("name not like 'a%'", Match(Key("name"), "like", "a%", True)),
        ("end.cause is not null", Check(Key("end.cause"), "null", True)),
        ("metrics.x is NaN", Check(Key("metrics", "x", "last"), "nan")),
    ],
)
def test_conditions_read_their_values_by_the_kind_of_their_key(text, tree):
    assert parse_filter(text) == tree
    assert parse_filter(print_filter(tree)) == tree


@pytest.mark.parametrize(
    ("typed", "start_us", "width_us"),
    [
        ("2026-11-24", NOV_24_US, DAY_US),
        ("2026-11-24T10:30", NOV_24_US + 630 * MINUTE_US, MINUTE_US),
        ("2026-11-24t10:30z", NOV_24_US + 630 * MINUTE_US, MINUTE_US),
        ('"2026-11-24 10:30"', NOV_24_US + 630 * MINUTE_US, MINUTE_US),
        ("2026-11-24T10:30+01:00", NOV_24_US + 570 * MINUTE_US, MINUTE_US),
        ("2026-11-24T10:30:01", NOV_24_US + 630 * MINUTE_US + SECOND_US, SECOND_US),
        ("2026-11-24T10:30:01.5", NOV_24_US + 630 * MINUTE_US + 1_500_000, 1),
    ],
)
def test_dates_are_whole_days_minutes_or_seconds_of_utc(typed, start_us, width_us):
    parsed = parse_filter(f"created = {typed}")
    assert parsed == Compare(Key("created"), "=", Moment(start_us, width_us))
    assert parse_filter(print_filter(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "key", "spelled"),
    [
        ("metrics.loss", Key("metrics", "loss", "last"), "metrics.loss"),
        ("metrics.loss.last", Key("metrics", "loss", "last"), "metrics.loss"),
        ("metrics.val/acc.max", Key("metrics", "val/acc", "max"), "metrics.val/acc.max"),
        ("metrics.max", Key("metrics", "max", "last"), "metrics.max"),
        ("metrics.max.max", Key("metrics", "max", "max"), "metrics.max.max"),
        ('metrics."a.max"', Key("metrics", "a.max", "last"), "metrics.a.max.last"),
        ('metrics.a."max"', Key("metrics", "a.max", "last"), "metrics.a.max.last"),
        ('metrics."my metric".max', Key("metrics", "my metric", "max"), 'metrics."my metric".max'),
        ("metrics.'my metric'", Key("metrics", "my metric", "last"), 'metrics."my metric"'),
        ("metrics.system/memory.bytes", Key("metrics", "system/memory.bytes", "last"), None),
        ('params."a b".c', Key("params", "a b.c"), 'params."a b.c"'),
        ("params.optimizer.lr", Key("params", "optimizer.lr"), None),
        ("params.lr.max", Key("params", "lr.max"), None),
        ('params."say ""hi"""', Key("params", 'say "hi"'), 'params."say ""hi"""'),
        ('params."a..b"', Key("params", "a..b"), None),
        ("end.cause", Key("end.cause"), None),
        ("params.größe", Key("params", "größe"), None),
    ],
)
def test_keys_are_spelled_as_briefly_as_they_can_be_read(text, key, spelled):
    assert parse_filter(f"{text} is null") == Check(key, "null")
    assert print_key(key) == (spelled or text)
    assert key_of_column(key.column) == key


@pytest.mark.parametrize(
    ("text", "key", "spelled"),
    [
        ("metrics.val/acc.@500", Key("metrics", "val/acc", "@500"), None),
        ("metrics.loss.@-3", Key("metrics", "loss", "@-3"), None),
        ("metrics.loss.@007", Key("metrics", "loss", "@7"), "metrics.loss.@7"),
        ("metrics.loss.@9223372036854775808", Key("metrics", "loss", f"@{2**63 - 1}"), f"metrics.loss.@{2**63 - 1}"),
        ('metrics."a b".@1', Key("metrics", "a b", "@1"), None),
        ('metrics."loss.@5"', Key("metrics", "loss.@5", "last"), "metrics.loss.@5.last"),
        ("metrics.@5", Key("metrics", "@5", "last"), None),
        ("metrics.loss.@x", Key("metrics", "loss.@x", "last"), None),
    ],
)
def test_a_column_may_name_a_step(text, key, spelled):
    (found,) = parse_order(text, has_steps=True)
    assert found.key == key
    assert print_key(key) == (spelled or text)
    assert key_of_column(key.column) == key
    assert found.key.step == (int(key.summary[1:]) if "@" in key.summary else None)


def test_columns_outside_of_the_language_are_no_keys():
    for column in ("haystack", "metrics", "metrics.loss", "params.", "whatever", "metrics..max"):
        assert not is_column(column)
        with pytest.raises(KeyError):
            key_of_column(column)


def test_printing_sets_no_more_brackets_and_quotes_than_needed():
    text = '((a) and (((b)) or ("c d"))) or not (not ((name = x)))'
    assert print_filter(parse_filter(text)) == 'a and (b or "c d") or not not name = "x"'


@pytest.mark.parametrize("text", ["and", "LIKE", "", "a b", "params.lr", "end.cause", "tag:x", "a=b", "(", "it's"])
def test_a_search_that_would_be_read_otherwise_is_quoted(text):
    printed = print_filter(Search(text))
    assert printed.startswith('"')
    assert parse_filter(printed) == Search(text)


@pytest.mark.parametrize("text", ["state", "null", "-7d", "2026-11-24", "a.b", "resnet50", "100%", "日本", "params"])
def test_a_word_that_no_operator_follows_is_searched_for(text):
    assert parse_filter(text) == Search(text)
    assert print_filter(Search(text)) == text


def test_nesting_up_to_the_limit_and_ten_thousand_terms_side_by_side_parse():
    assert parse_filter("(" * DEPTH_MAX + "a" + ")" * DEPTH_MAX) == A
    wide = parse_filter(" or ".join(["a"] * 10_000))
    assert isinstance(wide, Or)
    assert len(wide.parts) == 10_000
    assert parse_filter(print_filter(wide)) == wide


def test_a_conjunction_of_one_part_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        And((A,))


def test_orders_keep_direction_and_quotes():
    order = parse_order('-metrics."a, b".max , params.lr,-id')
    assert [(key.key.column, key.is_descending) for key in order] == [
        ("metrics.a, b.max", True),
        ("params.lr", False),
        ("id", True),
    ]
    assert print_order(order) == '-metrics."a, b".max,params.lr,-id'
    assert parse_order(" ") == ()
