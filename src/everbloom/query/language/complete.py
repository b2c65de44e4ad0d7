"""What would fit at the cursor: keys, operators, values, `and`.

The parser is the authority: the text before the word under the cursor is parsed, and what its complaint
says was expected at the end is offered. So completion never knows a grammar of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from everbloom.core.errors import InvalidInput
from everbloom.query.language.keys import (
    FAMILIES,
    FIXED,
    OPERATORS,
    Key,
    is_column,
    key_of_column,
    parse_pieces,
    print_key,
)
from everbloom.query.language.literals import parse_plain_number
from everbloom.query.language.parser import parse_filter
from everbloom.query.language.tokens import Token, quote_text, read_tokens

_OPERATOR_WORDS = {
    "equal": ("=", "!="),
    "order": ("<", "<=", ">", ">="),
    "in": ("in", "not in"),
    "match": ("~", "not ~", "like", "not like"),
    "null": ("is null", "is not null"),
    "nan": ("is nan", "is not nan"),
}
_JOINS = ("and", "or")


@dataclass(frozen=True, slots=True)
class Completion:
    """What may replace `text[start:end]`, best first, each spelled as the language reads it; `total` would fit."""

    start: int
    end: int
    offers: tuple[str, ...]
    total: int = 0


def complete(
    text: str,
    cursor: int,
    *,
    columns: Sequence[str] = (),
    values: Callable[[str], Sequence[str]] = lambda column: (),
    limit: int = 20,
    is_inside: bool = False,
) -> Completion:
    """Say what would fit at the cursor.

    Args:
        text: A filter, finished or not.
        cursor: Where, 0-based, in characters; what stands behind it is left alone.
        columns: Columns that some run has, the likeliest first.
        values: Gives the texts that a column holds, the likeliest first.
        limit: At most so many offers.
        is_inside: Behind what begins with the word under the cursor, offer keys that hold it further on.

    Returns:
        The offers; none where the text before the cursor is already wrong, which `parse_filter` explains.
    """
    start, typed = _split_typed(text[:cursor])
    offers = _offer(text[:start], columns, values)
    fitting = _choose(offers, typed, is_inside=is_inside)
    return Completion(start, cursor, tuple(fitting[:limit]), len(fitting))


def _choose(offers: Sequence[str], typed: str, *, is_inside: bool) -> list[str]:
    """Return the offers that fit what was typed, best first, each once."""
    folded = typed.strip("\"'").casefold()
    spelled = {offer: offer.strip('"').casefold() for offer in offers if offer != typed}
    fitting = [offer for offer, text in spelled.items() if text.startswith(folded)]
    if is_inside and folded:
        # The name behind the family is what people remember: `acc` finds `metrics.val/acc`.
        inner = (offer for offer, text in spelled.items() if folded in text.partition(".")[2])
        fitting = list(dict.fromkeys([*fitting, *inner]))
    return fitting


def _split_typed(before: str) -> tuple[int, str]:
    """Return where the word under the cursor begins, and the word; an open quote begins one too."""
    try:
        last = _last_token(before)
    except InvalidInput as error:
        start = int(error.fields["column"]) - 1 if error.code == "filter.open_quote" else len(before)
        return start, before[start:]
    if last is not None and last.end == len(before) and last.kind in ("word", "string"):
        return last.start, before[last.start :]
    return len(before), ""


def _last_token(text: str) -> Token | None:
    tokens = read_tokens(text)
    return tokens[-2] if len(tokens) > 1 else None


def _offer(before: str, columns: Sequence[str], values: Callable[[str], Sequence[str]]) -> list[str]:
    try:
        is_blank = parse_filter(before) is None
    except InvalidInput as error:
        is_joined = error.fields.get("expected") == "join"
        offers = _offer_expected(error, columns, values)
        return [*_offer_after_key(before), *offers] if is_joined else offers
    return _offer_conditions(columns) if is_blank else [*_offer_after_key(before), *_JOINS]


def _offer_after_key(before: str) -> list[str]:
    """Return the operators of a key that stands last and was read as a bare word for want of one."""
    tokens = read_tokens(before)[:-1]
    if len(tokens) > 1 and tokens[-2].kind == "operator":
        return []
    key = parse_pieces(tokens[-1].pieces) if tokens else None
    return [] if key is None else _offer_operators(key)


def _offer_expected(error: InvalidInput, columns: Sequence[str], values: Callable[[str], Sequence[str]]) -> list[str]:
    expected = error.fields.get("expected", "")
    if expected == "condition":
        return _offer_conditions(columns)
    if expected in ("operator", "value"):
        key = parse_pieces(read_tokens(error.fields["key"])[0].pieces)
        if key is None:
            return []
        return _offer_operators(key) if expected == "operator" else _offer_values(key, values)
    fixed = {
        "join": [*_JOINS, ")"],
        "list": [",", ")"],
        "bracket": ["("],
        "check": ["null", "nan", "not null", "not nan"],
    }
    return fixed.get(expected, [])


def _offer_conditions(columns: Sequence[str]) -> list[str]:
    known = [print_key(key_of_column(column)) for column in columns if is_column(column)]
    return [*FIXED, *(f"{family}." for family in FAMILIES), *known, "not", "("]


def _offer_operators(key: Key) -> list[str]:
    allowed = OPERATORS[key.kind]
    return [word for group, words in _OPERATOR_WORDS.items() if group in allowed for word in words]


def _offer_values(key: Key, values: Callable[[str], Sequence[str]]) -> list[str]:
    if key.kind == "flag":
        return ["true", "false"]
    if key.kind == "time":
        return ["-1h", "-1d", "-7d", "-30d"]
    if key.kind == "duration":
        return ["1m", "1h", "1d"]
    texts = [*key.info.choices, *values(key.column)]
    is_bare = key.kind in ("any", "number")
    return [text if is_bare and parse_plain_number(text) is not None else quote_text(text) for text in texts]
