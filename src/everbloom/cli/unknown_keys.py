"""Where a filter finds nothing: whether that is because no run has one of its keys, and what was perhaps meant.

A parameter or metric that nobody has is no error of the language, as it is merely missing; but who types
`params.learning_rate` where the runs have `params.lr` wants to know.
"""

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from everbloom.query.language.ast import And, Check, Compare, Filter, Match, Member, Not, Or
from everbloom.query.language.keys import Key, print_key
from everbloom.query.language.parser import parse_filter

if TYPE_CHECKING:
    from everbloom.query.reader import Reader
    from everbloom.query.views import RunQuery

_FAMILIES = ("metrics", "params", "env", "code", "data")
_OFFERS_MAX = 1000


def describe_unknown_keys(reader: "Reader", query: "RunQuery") -> list[str]:
    """Return a line for each key of the filter that no run of the store has."""
    parsed = parse_filter(query.filter)
    keys = {} if parsed is None else {print_key(key): key for key in _iter_keys(parsed) if key.root in _FAMILIES}
    return [_describe(reader, spelled, key) for spelled, key in keys.items() if _is_unknown(reader, query, spelled)]


def _iter_keys(part: Filter) -> Iterator[Key]:
    match part:
        case And(parts) | Or(parts):
            for inner in parts:
                yield from _iter_keys(inner)
        case Not(inner):
            yield from _iter_keys(inner)
        case Compare(key) | Member(key) | Match(key) | Check(key):
            yield key


def _is_unknown(reader: "Reader", query: "RunQuery", spelled: str) -> bool:
    anybody = replace(query, filter=f"{spelled} is not null", everywhere=True, archived=None, experiment=None)
    return not reader.list_runs(replace(anybody, offset=0, limit=0)).total


def _describe(reader: "Reader", spelled: str, key: Key) -> str:
    prefix = f"{key.root}."
    offers = [offer.text.removeprefix(prefix) for offer in reader.complete(prefix, len(prefix), limit=_OFFERS_MAX)]
    near = get_close_matches(spelled.removeprefix(prefix), offers, n=2, cutoff=0.7)
    advice = f" Did you mean {' or '.join(prefix + name for name in near)}?" if near else ""
    return f"No run has {spelled}.{advice}"
