"""What would fit at the cursor of a filter, with how many runs have it; only keys and values of readable projects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from everbloom.index.columns import HAS_NUMBER, HAS_TEXT, IS_BOOL, IS_INT, IS_NAN, Column
from everbloom.index.documents import format_value
from everbloom.query.language.complete import complete as complete_words
from everbloom.query.language.keys import is_column, key_of_column, print_key
from everbloom.query.language.tokens import quote_text
from everbloom.query.readable import ReadableIndex, StoredRuns

_VALUES_MAX = 200


@dataclass(frozen=True)
class Completion:
    """What may replace `text[start:end]`; `count` runs have that key or value, None where nothing is counted.

    `total` is how many would fit, this one and those beyond the limit among them.
    """

    text: str
    start: int
    end: int
    count: int | None
    total: int = 0


def complete(
    readable: ReadableIndex,
    text: str,
    position: int,
    *,
    project: str | None = None,
    limit: int = 20,
    is_inside: bool = False,
) -> list[Completion]:
    """Say what would fit at a position of a filter, best first.

    Args:
        readable: Where keys and values come from.
        text: A filter, finished or not.
        position: Where the cursor stands, in characters from 0.
        project: Keys and values of this project only; None = of all readable ones.
        limit: At most so many.
        is_inside: Offer keys too that hold the word under the cursor further on.
    """
    projects = [found for found in readable.read_projects() if project in (None, found.name)]
    with readable.open_columns(projects) as runs:
        keys = readable.read_keys(projects)
        counted: dict[str, int] = {}

        def read_values(key: str) -> Sequence[str]:
            counts = count_values(runs.column(key))
            counted.update({quote_text(value): count for value, count in counts.items()}, **counts)
            return list(counts)

        found = complete_words(text, position, columns=keys, values=read_values, limit=limit, is_inside=is_inside)
        spelled = {print_key(key_of_column(key)): key for key in keys if is_column(key)}
        offers = []
        for offer in found.offers:
            count = count_filled(runs, spelled[offer]) if offer in spelled else counted.get(offer)
            offers.append(Completion(offer, found.start, found.end, count, found.total))
    return offers


def count_filled(runs: StoredRuns, key: str) -> int:
    """Return how many runs have a value under a key; null is none, NaN is one."""
    column = runs.column(key)
    return 0 if column is None else int(np.count_nonzero(column.kinds & (HAS_TEXT | HAS_NUMBER | IS_NAN)))


def count_values(column: Column | None) -> dict[str, int]:
    """Return a column's texts and numbers as text with how many runs have each, the most frequent first."""
    if column is None:
        return {}
    counts: dict[str, int] = {}
    codes = column.list_codes if column.list_codes is not None else column.codes
    if codes is not None and len(column.texts):
        numbers = np.bincount(codes[codes >= 0], minlength=len(column.texts)).tolist()
        counts = {text: count for text, count in zip(column.texts, numbers, strict=True) if count}
    is_number = (column.kinds & (HAS_NUMBER | HAS_TEXT | IS_BOOL)) == HAS_NUMBER
    values, frequencies = np.unique(column.numbers[is_number], return_counts=True)
    is_int = bool((column.kinds[is_number] & IS_INT).all())
    for value, count in zip(values.tolist(), frequencies.tolist(), strict=True):
        counts[format_value(int(value) if is_int else value)] = count
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(ordered[:_VALUES_MAX])
