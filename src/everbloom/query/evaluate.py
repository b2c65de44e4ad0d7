"""A syntax tree against columns: one boolean per run.

Numbers are compared as whole arrays. Texts are compared once per distinct text and spread by code, so a
filter over 100,000 runs with 12 optimizers looks at 12 texts. Plain two-valued logic: a missing value makes
every comparison false, and `not` turns that into true. A negated operator (`!=`, `not in`, `not like`,
`not ~`) wants a value to be there, one that is not NaN, and its positive form to be false.
"""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everbloom.core.values import fold_text
from everbloom.index.columns import (
    HAS_NUMBER,
    HAS_TEXT,
    IS_BOOL,
    IS_NAN,
    Column,
    parse_number,
)
from everbloom.query.language.ast import (
    And,
    Bool,
    Check,
    Compare,
    CompareOperator,
    Filter,
    Match,
    Member,
    Moment,
    Not,
    Number,
    Or,
    Search,
    Span,
    Text,
    Value,
)
from everbloom.query.language.keys import HAYSTACK, Key
from everbloom.query.source import ColumnSource
from everbloom.query.versions import parse_public_version, parse_version

Mask = NDArray[np.bool_]

_TESTS: dict[CompareOperator, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(parsed: Filter | None, source: ColumnSource) -> Mask:
    """Tell which runs meet a filter.

    Args:
        parsed: From `parse_filter`; None is met by every run.
        source: The columns; asked for those alone that the filter names.

    Returns:
        Shape (n,), bool; a fresh array.
    """
    match parsed:
        case None:
            return np.ones(source.n, np.bool_)
        case And(parts):
            return _all_of(parts, source)
        case Or(parts):
            return _any_of(parts, source)
        case Not(part):
            return ~evaluate(part, source)
        case Search(text):
            return _search(text, source)
        case Compare(key, sign, value):
            return _compare(source.column(key.column), key, sign, value, source)
        case Member(key, values, is_negated):
            return _member(source.column(key.column), key, values, is_negated, source)
        case Match():
            return _match(parsed, source)
        case Check(key, what, is_negated):
            return _check(source.column(key.column), what, is_negated, source.n)


def _all_of(parts: Sequence[Filter], source: ColumnSource) -> Mask:
    mask = evaluate(parts[0], source)
    for part in parts[1:]:
        if not mask.any():
            break
        mask &= evaluate(part, source)
    return mask


def _any_of(parts: Sequence[Filter], source: ColumnSource) -> Mask:
    mask = evaluate(parts[0], source)
    for part in parts[1:]:
        if mask.all():
            break
        mask |= evaluate(part, source)
    return mask


def _search(text: str, source: ColumnSource) -> Mask:
    column = source.column(HAYSTACK)
    if column is None:
        return np.zeros(source.n, np.bool_)
    needle = fold_text(text)
    return _spread(column, (needle in hay for hay in column.texts))


def _check(column: Column | None, what: str, is_negated: bool, n: int) -> Mask:
    if column is None:
        return np.full(n, what == "null" and not is_negated)
    present = _has(column, HAS_TEXT | HAS_NUMBER | IS_NAN)
    if what == "null":
        return present if is_negated else ~present
    is_nan = _has(column, IS_NAN)
    return present & ~is_nan if is_negated else is_nan


def _compare(column: Column | None, key: Key, sign: CompareOperator, value: Value, source: ColumnSource) -> Mask:
    if key.kind == "tags":
        return _compare_tags(column, sign, value, source.n)
    if column is None:
        return np.zeros(source.n, np.bool_)
    match value:
        case Number(number):
            return _compare_number(column, sign, number)
        case Span(seconds) if key.kind == "time":
            return _compare_number(column, sign, source.now_us + seconds * 1e6)
        case Span(seconds):
            return _compare_number(column, sign, seconds)
        case Moment():
            return _compare_moment(column, sign, value)
        case Bool(flag):
            return _compare_bool(column, sign, flag)
        case Text(text):
            return _compare_text(column, sign, text, _text_test(key, sign, text))


def _compare_number(column: Column, sign: CompareOperator, number: float) -> Mask:
    found: Mask = _has(column, HAS_NUMBER) & _TESTS[sign](column.numbers, number)
    if sign == "!=":  # a text that is no number is unequal to every number
        found |= _has(column, HAS_TEXT) & ~_has(column, HAS_NUMBER | IS_NAN)
    return found


def _compare_moment(column: Column, sign: CompareOperator, moment: Moment) -> Mask:
    """Compare with all of a day, minute, second: `=` is within it, `<=` before its end, `>` after it."""
    start, end = float(moment.start_us), float(moment.start_us + moment.width_us)
    if sign in ("=", "!="):
        within = _compare_number(column, ">=", start) & _compare_number(column, "<", end)
        return within if sign == "=" else _negate(column, within)
    edge = start if sign in ("<", ">=") else end
    return _compare_number(column, "<" if sign in ("<", "<=") else ">=", edge)


def _compare_bool(column: Column, sign: CompareOperator, flag: bool) -> Mask:
    wanted = "true" if flag else "false"
    equal = _has(column, IS_BOOL) & (column.numbers == float(flag))
    if column.codes is not None:
        equal |= _spread(column, (folded == wanted for folded in column.folded))
    return equal if sign == "=" else _negate(column, equal)


def _text_test(key: Key, sign: CompareOperator, text: str) -> Callable[[str], bool]:
    """Return the test of one cell's text against a literal text."""
    test = _TESTS[sign]
    folded = (fold_text(text), text)

    def compare_plain(cell: str) -> bool:
        return bool(test((fold_text(cell), cell), folded))

    if key.kind != "version" or (wanted := parse_version(text)) is None:
        return compare_plain
    parse_cell = parse_version if wanted.local else parse_public_version

    def compare_version(cell: str) -> bool:
        version = parse_cell(cell)
        return compare_plain(cell) if version is None else bool(test(version, wanted))

    return compare_version


def _compare_text(column: Column, sign: CompareOperator, text: str, test: Callable[[str], bool]) -> Mask:
    """Compare texts with a text; a cell that is a number only is compared as what the text stands for."""
    found = np.zeros(len(column), np.bool_)
    if column.codes is not None:
        found |= _spread(column, (test(cell) for cell in column.texts))
    bare = _is_bare_number(column)
    if not bare.any():
        return found
    if (number := parse_number(text)) is not None:
        return found | (_compare_number(column, sign, number) & bare & (number == number))
    if sign not in ("=", "!="):
        return found
    flag = {"true": 1.0, "false": 0.0}.get(fold_text(text), np.nan)
    equal: Mask = bare & _has(column, IS_BOOL) & (column.numbers == flag)
    return found | (equal if sign == "=" else bare & ~equal)


def _compare_tags(column: Column | None, sign: CompareOperator, value: Value, n: int) -> Mask:
    wanted = value.value if isinstance(value, Text) else ""
    holds = np.zeros(n, np.bool_) if column is None else _spread(column, (tag == wanted for tag in column.texts))
    return holds if sign == "=" else ~holds


def _member(column: Column | None, key: Key, values: Sequence[Value], is_negated: bool, source: ColumnSource) -> Mask:
    if column is None:
        return np.full(source.n, is_negated and key.kind == "tags")
    texts = frozenset(value.value for value in values if isinstance(value, Text))
    is_all_text = key.kind != "version" and not _is_bare_number(column).any()
    rest = [value for value in values if not isinstance(value, Text)] if is_all_text else list(values)
    sign: CompareOperator = "!=" if is_negated else "="
    mask = np.full(source.n, is_negated)
    for value in rest:
        found = _compare(column, key, sign, value, source)
        mask = mask & found if is_negated else mask | found
    if not is_all_text or not texts:
        return mask
    holds = _spread(column, (text in texts for text in column.texts))
    if not is_negated:
        return mask | holds
    return mask & (~holds if key.kind == "tags" else _negate(column, holds))


def _match(node: Match, source: ColumnSource) -> Mask:
    if node.key.kind == "console":
        printed = source.console_matches(node.pattern)
        return ~printed if node.is_negated else printed.copy()
    is_tags = node.key.kind == "tags"
    column = source.column(node.key.column)
    if column is None:
        return np.full(source.n, is_tags and node.is_negated)
    if node.operator == "~":
        needle = fold_text(node.pattern)
        holds = _spread(column, (needle in text for text in column.folded))
    else:
        test = like_test(node.pattern)
        holds = _spread(column, (test(text) for text in column.texts))
    if not node.is_negated:
        return holds
    return ~holds if is_tags else _negate(column, holds)


def like_test(pattern: str) -> Callable[[str], bool]:
    r"""Return the test of a LIKE pattern: `%` any text, `_` one character, `\` takes the next one as it is.

    The pieces between `%` are searched from left to right, each at its first place, so the time is at most
    pattern × text and never exponential as with a regular expression of many `.*`.
    """
    pieces = [re.compile(piece, re.DOTALL) for piece in _split_like(pattern)]
    first, *middle = pieces
    if not middle:
        return lambda text: first.fullmatch(text) is not None
    last = middle.pop()
    tail_chars = _piece_chars(last.pattern)

    def test(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            found = found and piece.search(text, found.end())
        if found is None:
            return False
        tail_start = len(text) - tail_chars
        return tail_start >= found.end() and last.fullmatch(text, tail_start) is not None

    return test


def _split_like(pattern: str) -> list[str]:
    """Return the regular expressions between the `%` of a pattern; each matches a fixed count of characters."""
    pieces = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            pieces.append("")
        elif character == "_":
            pieces[-1] += "."
        else:
            literal = next(characters, character) if character == "\\" else character
            pieces[-1] += re.escape(literal)
    return pieces


def _piece_chars(expression: str) -> int:
    return len(re.sub(r"\\(.)", r"\1", expression, flags=re.DOTALL))


def _has(column: Column, bits: int) -> Mask:
    """Tell whose cell has any of the bits."""
    mask: Mask = (column.kinds & bits) != 0
    return mask


def _is_bare_number(column: Column) -> Mask:
    return _has(column, HAS_NUMBER) & ~_has(column, HAS_TEXT)


def _negate(column: Column, holds: Mask) -> Mask:
    """Turn a positive answer round where there is a value other than a NaN without a text."""
    return _has(column, HAS_TEXT | HAS_NUMBER) & ~holds


def _spread(column: Column, truths: Iterable[bool]) -> Mask:
    """Give each run the answer of its text; in a list column, whether any of its texts has it.

    Args:
        column: Any column; runs without a text get False.
        truths: One per distinct text.
    """
    truth = np.zeros(len(column.texts) + 1, np.bool_)  # the last one answers for code -1
    truth[:-1] = np.fromiter(truths, np.bool_, len(column.texts))
    if column.list_starts is not None and column.list_codes is not None:
        counts = np.concatenate(([0], np.cumsum(truth[column.list_codes])))
        return np.asarray(counts[column.list_starts[1:]] > counts[column.list_starts[:-1]])
    if column.codes is None:
        return np.zeros(len(column), np.bool_)
    return np.asarray(truth[column.codes], np.bool_)
