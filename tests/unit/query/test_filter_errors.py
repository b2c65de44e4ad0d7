"""A bad filter is answered with the place, the rule, and what would fit."""

import pytest

from everbloom.core.errors import InvalidInput
from everbloom.query.language.parser import parse_filter
from everbloom.query.language.sorting import parse_order

KNOWN = ("params.optimizer.lr", "metrics.val/acc.max", "metrics.loss.last", "params.a b", "haystack")


def complain(text, parse=parse_filter):
    with pytest.raises(InvalidInput) as caught:
        parse(text, known=KNOWN)
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "column", "suggestions"),
    [
        ("loss > 3", "filter.unknown_key", 1, ["metrics.loss", "metrics.loss.best"]),
        ("val/acc > 3", "filter.unknown_key", 1, ["metrics.val/acc", "metrics.val/acc.best"]),
        ("acc > 3", "filter.unknown_key", 1, ["metrics.val/acc.max"]),
        ("metrcs.val/acc.max > 1", "filter.unknown_key", 1, ["metrics.val/acc.max"]),
        ("a and State = failed", "filter.unknown_key", 7, ["state"]),
        ("metrics = 3", "filter.unknown_key", 1, ["metrics.val/acc.max", "metrics.loss"]),
        ("params..x = 3", "filter.unknown_key", 1, ['params.".x"']),
        ('"my metric" > 3', "filter.unknown_key", 1, ['metrics."my metric"', 'params."my metric"']),
        ("xyzzy = 3", "filter.unknown_key", 1, ["metrics.xyzzy", "params.xyzzy"]),
        ("a and metrics.loss.@5 < 1", "filter.at_step", 7, ["metrics.loss", "metrics.loss.best"]),
        ("state = runing", "filter.value", 9, ["running"]),
        ("state in (failed, Killed)", "filter.value", 19, ["killed"]),
        ("archived = yes", "filter.value", 12, ["true", "false"]),
        ("metrics.loss > high", "filter.value", 16, []),
        ("metrics.loss > true", "filter.value", 16, []),
        ("metrics.loss = nan", "filter.value", 16, []),
        ("params.x != null", "filter.value", 13, []),
        ("created > 7d", "filter.value", 11, ["-7d"]),
        ("created > +7d", "filter.value", 11, ["-7d"]),
        ("created > yesterday", "filter.value", 11, []),
        ("created > 2026-02-30", "filter.value", 11, []),
        ("created > 2026-11-24T25:00", "filter.value", 11, []),
        ("created > 0001-01-01T00:00+01:00", "filter.value", 11, []),
        ("created > -99999999999d", "filter.value", 11, []),
        ("duration > long", "filter.value", 12, []),
        ("params.a > params.b", "filter.value", 12, ['"params.b"']),
        ("state < failed", "filter.operator", 7, []),
        ("archived ~ t", "filter.operator", 10, []),
        ("console = x", "filter.operator", 9, []),
        ("console is null", "filter.operator", 9, []),
        ("tag > x", "filter.operator", 5, []),
        ("params.lr", "filter.syntax", 10, []),
        ("params.lr between 1 and 2", "filter.syntax", 11, [">="]),
        ("name contains x", "filter.syntax", 6, ["~"]),
        ("tag:baseline", "filter.syntax", 1, ['tag = "baseline"']),
        ("params.x is true", "filter.syntax", 13, ["= true"]),
        ("params.x is", "filter.syntax", 12, []),
        ("params.x = (1, 2)", "filter.syntax", 10, ["in"]),
        ("params.x in 1", "filter.syntax", 13, ['("a", "b")']),
        ("params.x in ()", "filter.syntax", 14, []),
        ("params.x in (1 2)", "filter.syntax", 16, [",", ")"]),
        ("params.x in (1", "filter.syntax", 15, [",", ")"]),
        ("params.x =", "filter.syntax", 11, []),
        ("params.x = and", "filter.syntax", 12, []),
        ("name = foo bar", "filter.syntax", 12, ["and bar"]),
        ("state = failed tag = x", "filter.syntax", 16, ["and tag"]),
        ("a and", "filter.syntax", 6, []),
        ("a or or b", "filter.syntax", 6, ['"or"']),
        ("not", "filter.syntax", 4, []),
        ("= 3", "filter.syntax", 1, []),
        ("(a or b", "filter.syntax", 8, [")"]),
        ("(a = ", "filter.unknown_key", 2, ["metrics.a", "params.a"]),
        ("()", "filter.syntax", 2, []),
        ("(a) b", "filter.syntax", 5, ["and b"]),
        ("a (b)", "filter.syntax", 3, []),
        ("a)", "filter.syntax", 2, []),
        ("a ! b", "filter.syntax", 3, ["not"]),
        ("don't", "filter.syntax", 4, []),
        ("'a'b", "filter.syntax", 4, []),
        ("'a", "filter.open_quote", 1, []),
        ("params.'a", "filter.open_quote", 8, []),
        ("x" * 1_000_001, "filter.too_long", 1_000_001, []),
        ("(" * 10_000, "filter.too_deep", 65, []),
        ("not " * 10_000 + "a", "filter.too_deep", 257, []),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_errors_have_a_code_a_column_and_what_would_fit(text, code, column, suggestions):
    error = complain(text)
    assert (error.code, error.fields["column"]) == (code, column)
    assert error.fields["suggestions"][: len(suggestions)] == suggestions
    assert bool(error.fields["suggestions"]) == bool(suggestions)
    assert error.fields["text"] == text


def test_a_suggested_replacement_makes_the_filter_parse():
    for text in ("loss > 3", "state = runing", "created > 7d", "params.a > params.b", "tag:baseline", "a or or b"):
        error = complain(text)
        start = error.fields["column"] - 1
        mended = text[:start] + error.fields["suggestions"][0] + text[start + error.fields["length"] :]
        assert parse_filter(mended) is not None


def test_the_message_points_below_the_place():
    assert str(complain("state = runing")) == (
        "filter, column 9: `state` is one of running, finished, failed, killed, cancelled, lost, never 'runing'. "
        "Did you mean `running`?\n  state = runing\n          ^^^^^^ [filter.value]"
    )


def test_carets_stand_below_wide_characters_too():
    _, shown, carets = complain("日本 and kaputt = 3").message.split("\n")
    assert shown == "  日本 and kaputt = 3"
    assert carets == "  " + " " * len("xxxx and ") + "^" * len("kaputt")


def test_a_long_filter_is_shown_around_the_place_only():
    text = " and ".join(["name = x"] * 100 + ["state = y"] + ["name = z"] * 100)
    _, shown, carets = complain(text).message.split("\n")
    assert len(shown) < 80
    assert shown.startswith("  …")
    assert shown.endswith("…")
    assert shown[carets.index("^")] == "y"


def test_line_breaks_in_a_filter_do_not_break_the_picture():
    _, shown, _carets = complain("name = x\nand state = y").message.split("\n")
    assert shown == "  name = x and state = y"


@pytest.mark.parametrize(
    ("text", "code", "column", "suggestions"),
    [
        ("loss", "sort.unknown_key", 1, ["metrics.loss", "metrics.loss.best"]),
        ("-loss", "sort.unknown_key", 1, ["-metrics.loss", "-metrics.loss.best"]),
        ("created,", "sort.syntax", 9, []),
        (",created", "sort.syntax", 1, []),
        ("params.lr desc", "sort.syntax", 11, ["-params.lr"]),
        ("'created'", "sort.syntax", 1, []),
        ("console", "sort.unknown_key", 1, []),
        ("params.'a", "sort.open_quote", 8, []),
    ],
)
def test_a_bad_order_is_answered_the_same_way(text, code, column, suggestions):
    error = complain(text, parse_order)
    assert (error.code, error.fields["column"], error.fields["suggestions"]) == (code, column, suggestions)
