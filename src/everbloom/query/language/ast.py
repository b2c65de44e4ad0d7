"""The syntax tree of a filter: frozen values that compare by content.

`and` and `or` hold any number of parts and never one of their own kind, so a filter has one tree however
its brackets were set, and ten thousand terms are wide instead of deep. Times are kept as typed (a day, a
minute, "7 days ago") and become microseconds when a filter is evaluated.
"""

from dataclasses import dataclass
from typing import Literal

from everbloom.query.language.keys import Key

CompareOperator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number or ±inf; NaN is asked for with `is nan`."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A text, exactly as meant."""

    value: str


@dataclass(frozen=True, slots=True)
class Bool:
    """True or false."""

    value: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time in seconds; against a moment it counts from now, so it is negative there."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, minute, second or microsecond of UTC: all of `[start_us, start_us + width_us)`."""

    start_us: int
    width_us: int


Value = Number | Text | Bool | Span | Moment


@dataclass(frozen=True, slots=True)
class Search:
    """A bare word: folded text anywhere in name, note, tags, parameter names and values."""

    text: str


@dataclass(frozen=True, slots=True)
class Compare:
    """A key against one value."""

    key: Key
    operator: CompareOperator
    value: Value


@dataclass(frozen=True, slots=True)
class Member:
    """A key against a list of values, at least one: `in`, or `not in`."""

    key: Key
    values: tuple[Value, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A key's text against a folded substring (`~`) or a pattern (`like`), or its negation."""

    key: Key
    operator: Literal["~", "like"]
    pattern: str
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """`is null`, `is nan`, or the negation."""

    key: Key
    what: Literal["null", "nan"]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """What is false of the part, missing values included."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; at least two, none of them an `And` (nested ones are merged)."""

    parts: tuple["Filter", ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _merge(And, self.parts))


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; at least two, none of them an `Or` (nested ones are merged)."""

    parts: tuple["Filter", ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", _merge(Or, self.parts))


Filter = Search | Compare | Member | Match | Check | Not | And | Or


def _merge(kind: type[And] | type[Or], parts: tuple[Filter, ...]) -> tuple[Filter, ...]:
    merged: list[Filter] = []
    for part in parts:
        merged.extend(part.parts if isinstance(part, kind) else (part,))
    if len(merged) < 2:
        raise ValueError(f"{kind.__name__} needs at least two parts, got {len(merged)}")
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of a sort order."""

    key: Key
    is_descending: bool = False
