"""Why a filter finds nothing, or a sort order sorts nothing: keys that no run has, and what was perhaps meant.

A parameter or metric that nobody has is no error of the language, as it is merely missing; but who types
`params.learning_rate` where the runs have `params.lr` wants to know. So does who asks which numbers are less than a
text: none is.
"""

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from everbloom.query.language.ast import And, Check, Compare, Filter, Match, Member, Not, Or, Text
from everbloom.query.language.keys import Key, print_key
from everbloom.query.language.literals import print_value
from everbloom.query.language.parser import parse_filter
from everbloom.query.language.sorting import parse_order

if TYPE_CHECKING:
    from everbloom.query.reader import Reader
    from everbloom.query.views import RunQuery

_FAMILIES = ("metrics", "params", "env", "code", "data")
_OFFERS_MAX = 1000


def describe_unknown_keys(reader: "Reader", query: "RunQuery") -> list[str]:
    """Return a line for each key of the filter that no run of the store has, or has nothing comparable under."""
    parsed = parse_filter(query.filter)
    if parsed is None:
        return []
    keys = {print_key(key): key for key in _iter_keys(parsed) if key.root in _FAMILIES}
    unknown = [spelled for spelled in keys if _is_unknown(reader, query, f"{spelled} is not null")]
    lines = [_describe(reader, spelled, keys[spelled]) for spelled in unknown]
    for part in _iter_comparisons(parsed):
        spelled = print_key(part.key)
        if spelled not in unknown and _is_unknown(reader, query, f'{spelled} >= ""'):
            lines.append(
                f"{spelled} is a number wherever a run has it; {print_value(part.value)} is a text, and no number is "
                f"less or greater than a text."
            )
    return lines


def describe_unknown_order(reader: "Reader", query: "RunQuery") -> list[str]:
    """Return a line for each key of the sort order that no run of the store has."""
    keys = {print_key(part.key): part.key for part in parse_order(query.sort) if part.key.root in _FAMILIES}
    return [
        f"Nothing is sorted by {spelled}. {_describe(reader, spelled, key)}"
        for spelled, key in keys.items()
        if _is_unknown(reader, query, f"{spelled} is not null")
    ]


def _iter_comparisons(part: Filter) -> Iterator[Compare]:
    """Yield the comparisons by order of a parameter with a text."""
    match part:
        case And(parts) | Or(parts):
            for inner in parts:
                yield from _iter_comparisons(inner)
        case Not(inner):
            yield from _iter_comparisons(inner)
        case Compare(key, operator, Text()) if key.root == "params" and operator not in ("=", "!="):
            yield part


def _iter_keys(part: Filter) -> Iterator[Key]:
    match part:
        case And(parts) | Or(parts):
            for inner in parts:
                yield from _iter_keys(inner)
        case Not(inner):
            yield from _iter_keys(inner)
        case Compare(key) | Member(key) | Match(key) | Check(key):
            yield key


def _is_unknown(reader: "Reader", query: "RunQuery", condition: str) -> bool:
    anybody = replace(query, filter=condition, sort="", everywhere=True, archived=None, experiment=None)
    return not reader.list_runs(replace(anybody, offset=0, limit=0)).total


def _describe(reader: "Reader", spelled: str, key: Key) -> str:
    prefix = f"{key.root}."
    offers = [offer.text.removeprefix(prefix) for offer in reader.complete(prefix, len(prefix), limit=_OFFERS_MAX)]
    near = get_close_matches(spelled.removeprefix(prefix), offers, n=2, cutoff=0.7)
    advice = f" Did you mean {' or '.join(prefix + name for name in near)}?" if near else ""
    return f"No run has {spelled}.{advice}"
