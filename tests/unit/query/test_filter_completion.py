"""What would fit at the cursor."""

import pytest

from everbloom.core.errors import InvalidInput
from everbloom.query.language.complete import complete
from everbloom.query.language.parser import parse_filter

COLUMNS = ("params.lr", "metrics.val/acc.max", "params.a b", "haystack")
VALUES = {"params.lr": ("0.1", "auto"), "tag": ("baseline", "a b")}


def offers(text, **options):
    found = complete(text, len(text), columns=COLUMNS, values=lambda c: VALUES.get(c, ()), **options)
    return text[found.start :], list(found.offers)


@pytest.mark.parametrize(
    ("text", "typed", "expected"),
    [
        ("sta", "sta", ["state", "stalled"]),
        ("a and sta", "sta", ["state", "stalled"]),
        ("(PARAMS.", "PARAMS.", ["params.", "params.lr", 'params."a b"']),
        ("params.", "params.", ["params.lr", 'params."a b"']),
        ("metrics.v", "metrics.v", ["metrics.val/acc.max"]),
        ("archived ", "", ["=", "!=", "in", "not in", "is null", "is not null", "is nan", "is not nan", "and", "or"]),
        ("console ", "", ["~", "not ~", "like", "not like", "and", "or"]),
        ("state = f", "f", ['"finished"', '"failed"']),
        ('state = "fi', '"fi', ['"finished"']),
        ("state in (failed, k", "k", ['"killed"']),
        ("state in (failed ", "", [",", ")"]),
        ("state in ", "", ["("]),
        ("state is ", "", ["null", "nan", "not null", "not nan"]),
        ("params.lr = ", "", ["0.1", '"auto"']),
        ("tag = a", "a", ['"a b"']),
        ("archived = ", "", ["true", "false"]),
        ("created > ", "", ["-1h", "-1d", "-7d", "-30d"]),
        ("duration > ", "", ["1m", "1h", "1d"]),
        ("state = failed ", "", ["and", "or"]),
        ("state = failed o", "o", ["or"]),
        ("(state = failed ", "", ["and", "or", ")"]),
        ("name = state ", "", ["and", "or"]),
        ("a) ", "", []),
        ("bogus = ", "", []),
    ],
)
def test_the_word_under_the_cursor_is_completed(text, typed, expected):
    assert offers(text) == (typed, expected)


def test_a_key_is_found_by_what_stands_inside_its_name_behind_those_that_begin_so():
    columns = ("params.archive", "params.lr", "metrics.val/arc.max")
    found = complete("arc", 3, columns=columns, is_inside=True)
    assert found.offers == ("archived", "params.archive", "metrics.val/arc.max")


def test_a_cut_list_says_how_many_would_fit():
    columns = [f"params.p{number}" for number in range(12_000)]
    found = complete("params.p", 8, columns=columns, limit=5)
    assert (len(found.offers), found.total) == (5, 12_000)


def test_an_empty_box_offers_keys_first_and_as_many_as_asked_for():
    assert offers("", limit=3) == ("", ["id", "name", "state"])


def test_text_behind_the_cursor_is_left_alone():
    text = "sta = failed and ) nonsense"
    found = complete(text, 3)
    assert (found.start, found.end, found.offers) == (0, 3, ("state", "stalled"))


def test_every_offer_leads_on_without_a_complaint_at_its_own_place():
    for text in ("", "state ", "state = ", "params.lr ", "a and ", "tag not ", "created > ", "(a "):
        found = complete(text, len(text), columns=COLUMNS)
        assert found.offers or text == "tag not "
        for offer in found.offers:
            grown = text[: found.start] + offer
            try:
                parse_filter(grown)
            except InvalidInput as error:
                assert error.fields["column"] > found.start, (grown, error)  # noqa: PT017
