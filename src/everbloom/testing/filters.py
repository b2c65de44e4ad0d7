"""Runs and filters out of a seed, and runs held in memory: what tests of the filter language ask and of whom.

The same seed gives the same runs and filters on every machine. Values are drawn from small sets that meet
each other often, and the sets hold what goes wrong: NaN beside the text "nan", 1 beside true beside "1",
"İ" and "ß", quotes and dots in names, an empty text, null beside missing.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from everbloom.core.records import Cause, State
from everbloom.core.values import SUMMARIES, fold_text
from everbloom.index.columns import MISSING_CELL, Cell, Column, build_column
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
    SortKey,
    Span,
    Text,
    Value,
)
from everbloom.query.language.keys import HAYSTACK, OPERATORS, Key, Kind, print_key
from everbloom.query.language.literals import DAY_US, MINUTE_US, SECOND_US

NOW_US = 1_795_500_000_123_456
"""The moment that generated runs and filters are made for."""

Run = dict[str, Cell]

TEXTS: tuple[str, ...] = (
    *"adam AdamW sgd İstanbul istanbul straße STRASSE ΣΑΣ σας 100% a_b 3 3.0 1e-3 nan NaN inf".split(),
    *("true", "False", "🌱", "", "a b", 'say "hi"', "it's", "back\\slash", "line\nbreak"),
    *("caf\u00e9", "cafe\u0301", "x" * 70, "9" * 70),
)
_NUMBERS = (0.0, -0.0, 1.0, 3.0, 0.001, -2.5, 1e300, 5e-324, math.inf, -math.inf, 2.0**60, 0.1)
_VERSIONS = "2.1 2.1.0 2.1.0+cu118 2.1.0+cpu 2.10 2.9rc1 1!0.1 3.11.4 Linux-6.1 not-a-version".split()
_TAGS = ("baseline", "Baseline", "prod", "straße", "a b", "3", "🌱", "100%")
_NOTES = ("", "tried a LONGER context", "the straße run", "Loss exploded at step 3\nthen recovered", "🌱 100%")
_CONSOLES = ("", "epoch 1\nloss nan", "CUDA out of memory", "Straße\n100%")
_METRICS = ("loss", "val/acc", "my metric", "a.max", "system/memory.bytes")
_PARAMS = ("lr", "optimizer", "optimizer.lr", "a b", "mixed", 'say "hi"', "flag")


def generate_runs(seed: int, count: int) -> list[Run]:
    """Make runs with ids, times, tags, texts, parameters, versions and metrics, many of them missing.

    Times lie within 40 days before `NOW_US`; ids are unique; `haystack` is made from the rest.
    """
    rng = random.Random(seed)
    return [_generate_run(rng) for _ in range(count)]


def _generate_run(rng: random.Random) -> Run:
    created_us = NOW_US - rng.choice((0, DAY_US, 7 * DAY_US, rng.randrange(40 * DAY_US)))
    run: Run = {
        "id": f"{rng.getrandbits(128):032x}",
        "name": rng.choice(TEXTS) or "unnamed",
        "state": rng.choice(get_args(State)),
        "project": rng.choice(("news", "vision")),
        "created": created_us,
        "archived": rng.random() < 0.2,
    }
    if run["state"] != "running":
        run["ended"] = created_us + rng.randrange(DAY_US)
        run["duration"] = rng.choice((0.0, 90.0, 7200.0, rng.random() * 1e5))
        run["end.cause"] = rng.choice(get_args(Cause))
    optional: dict[str, Callable[[], Cell]] = {
        "note": lambda: rng.choice(_NOTES),
        "why": lambda: rng.choice((None, "does it help?")),
        "tag": lambda: rng.sample(_TAGS, rng.randrange(1, 4)),
        "console": lambda: rng.choice(_CONSOLES),
        "env.torch": lambda: rng.choice(_VERSIONS),
        "env.gpus": lambda: rng.choice((1, 8, "8", None)),
        "code.dirty": lambda: rng.random() < 0.5,
        "data.rows": lambda: rng.randrange(1000),
        "likes": lambda: rng.randrange(3),
        **{f"params.{name}": lambda: _generate_cell(rng) for name in _PARAMS},
    }
    run |= {key: make() for key, make in optional.items() if rng.random() < 0.7}
    for metric in _METRICS:
        if rng.random() < 0.7:
            run |= {f"metrics.{metric}.{summary}": _generate_number(rng) for summary in SUMMARIES}
    run[HAYSTACK] = haystack_of(run)
    return run


def _generate_number(rng: random.Random) -> float:
    return math.nan if rng.random() < 0.1 else rng.choice((*_NUMBERS, rng.gauss(0, 1)))


def _generate_cell(rng: random.Random) -> Cell:
    kind = rng.randrange(6)
    if kind == 0:
        return rng.random() < 0.5
    if kind == 1:
        return rng.choice((0, 1, 3, -7, 2**53 + 1))
    if kind == 2:
        return _generate_number(rng)
    return None if kind == 3 and rng.random() < 0.3 else rng.choice(TEXTS)


def haystack_of(run: Run) -> str:
    """Return the folded text that bare words search: name, note, tags, parameter names and values, by line."""
    tags = run.get("tag")
    lines = [str(run.get("name", "")), str(run.get("note", "")), *(tags if isinstance(tags, list) else ())]
    for key, cell in run.items():
        if key.startswith("params."):
            lines += [key.removeprefix("params."), "" if cell is None else str(cell)]
    return fold_text("\n".join(lines))


class RunsInMemory:
    """Runs as a `ColumnSource`; a column is built when it is first asked for."""

    def __init__(self, runs: Sequence[Run], *, now_us: int = NOW_US) -> None:
        self.n = len(runs)
        self.now_us = now_us
        self._runs = runs
        self._columns: dict[str, Column | None] = {}

    def column(self, key: str) -> Column | None:
        """Return a column; None where no run has the key."""
        if key not in self._columns:
            has_key = any(key in run for run in self._runs)
            cells = [run.get(key, MISSING_CELL) for run in self._runs]
            self._columns[key] = build_column(cells) if has_key else None
        return self._columns[key]

    def console_matches(self, text: str) -> NDArray[np.bool_]:
        """Return whose console holds the text in any case."""
        needle = fold_text(text)
        printed = [str(run.get("console") or "") for run in self._runs]
        return np.array([text != "" and needle in fold_text(text) for text in printed], np.bool_)


def generate_filter(seed: int) -> Filter:
    """Make a syntax tree of one to about ten conditions, over the keys that `generate_runs` uses."""
    return _generate_filter(random.Random(seed), 3)


def _generate_filter(rng: random.Random, depth: int) -> Filter:
    kind = rng.randrange(8) if depth else 7
    if kind < 2:
        return And(tuple(_generate_filter(rng, depth - 1) for _ in range(rng.randrange(2, 4))))
    if kind < 4:
        return Or(tuple(_generate_filter(rng, depth - 1) for _ in range(rng.randrange(2, 4))))
    return Not(_generate_filter(rng, depth - 1)) if kind == 4 else _generate_condition(rng)


def _generate_condition(rng: random.Random) -> Filter:
    if rng.random() < 0.1:
        return Search(_cut(rng, rng.choice((*TEXTS, *_NOTES, *_TAGS, "and", "state", "params.lr", "x:y", "-7d"))))
    key = generate_key(rng)
    group = rng.choice(sorted(OPERATORS[key.kind]))
    negated = rng.random() < 0.4
    if group == "match":
        operator = "~" if key.kind == "console" or rng.random() < 0.5 else "like"
        pattern = _generate_pattern(rng, key)
        return Match(key, "~" if operator == "~" else "like", pattern, negated)
    if group == "in":
        return Member(key, tuple(generate_value(rng, key) for _ in range(rng.randrange(1, 4))), negated)
    if group == "null" or group == "nan":
        return Check(key, group, negated)
    signs: tuple[CompareOperator, ...] = ("=", "!=") if group == "equal" else ("<", "<=", ">", ">=")
    value = generate_value(rng, key)
    if isinstance(value, Bool):
        signs = ("=", "!=")
    return Compare(key, rng.choice(signs), value)


def generate_key(rng: random.Random) -> Key:
    """Choose a key, sometimes one that no run has."""
    root = rng.choice(
        (
            "metrics metrics metrics params params params params env id name state project created ended "
            "duration tag tag note why end.cause archived likes console code data verdict group"
        ).split()
    )
    if root == "metrics":
        return Key(root, rng.choice((*_METRICS, "absent")), rng.choice(SUMMARIES))
    names = {"params": (*_PARAMS, "absent"), "env": ("torch", "gpus", "absent"), "code": ("dirty",), "data": ("rows",)}
    return Key(root, rng.choice(names[root])) if root in names else Key(root)


def generate_value(rng: random.Random, key: Key) -> Value:
    """Choose a value that may stand behind the key."""
    return _VALUES[key.kind](rng, key)


def _any_number(rng: random.Random, _key: Key) -> Value:
    return Number(rng.choice((*_NUMBERS, rng.gauss(0, 1))))


def _any_value(rng: random.Random, key: Key) -> Value:
    kind = rng.randrange(5)
    if kind == 0:
        return Bool(rng.random() < 0.5)
    return _any_number(rng, key) if kind < 3 else Text(rng.choice(TEXTS))


def _any_text(rng: random.Random, key: Key) -> Value:
    pool = {"tag": _TAGS, "note": _NOTES, "project": ("news", "vision"), "why": ("does it help?",)}
    return Text(rng.choice((*pool.get(key.root, TEXTS), "7c1e", "M")))


def _any_time(rng: random.Random, _key: Key) -> Value:
    kind = rng.randrange(3)
    if kind == 0:
        return Span(-rng.choice((0.0, 90.0, 3600.0, 604_800.0, 1.5, rng.random() * 1e6)))
    if kind == 1:
        return Number(float(NOW_US - rng.randrange(40 * DAY_US)))
    width_us = rng.choice((DAY_US, MINUTE_US, SECOND_US, 1))
    return Moment((NOW_US - rng.randrange(40 * DAY_US)) // width_us * width_us, width_us)


def _any_duration(rng: random.Random, key: Key) -> Value:
    return Span(rng.choice((0.0, 90.0, 7200.0, 1e5 * rng.random()))) if rng.random() < 0.7 else _any_number(rng, key)


_VALUES: dict[Kind, Callable[[random.Random, Key], Value]] = {
    "text": _any_text,
    "choice": lambda rng, key: Text(rng.choice(key.info.choices)),
    "number": _any_number,
    "time": _any_time,
    "duration": _any_duration,
    "flag": lambda rng, _key: Bool(rng.random() < 0.5),
    "tags": _any_text,
    "version": lambda rng, _key: Text(rng.choice((*_VERSIONS, "8", "true", ""))),
    "any": _any_value,
}


def _generate_pattern(rng: random.Random, key: Key) -> str:
    pools = {"tag": _TAGS, "note": _NOTES, "console": _CONSOLES, "env": _VERSIONS, "state": get_args(State)}
    text = _cut(rng, rng.choice(pools.get(key.root, TEXTS)))
    if rng.random() < 0.5:
        text = text.swapcase()
    for _ in range(rng.randrange(3)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(("%", "_", "\\")) + text[at + rng.randrange(2) :]
    return text


def _cut(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text) + 1) if rng.random() < 0.5 else 0
    return text[start : start + rng.randrange(1, 12)]


def generate_order(seed: int) -> tuple[SortKey, ...]:
    """Make a sort order of none to three keys, over the keys that `generate_runs` uses."""
    rng = random.Random(seed)
    keys = [key for key in (generate_key(rng) for _ in range(rng.randrange(4))) if key.kind != "console"]
    return tuple(SortKey(key, rng.random() < 0.5) for key in keys)


def print_order(order: Sequence[SortKey]) -> str:
    """Write a sort order so that `parse_order` gives it back."""
    return ",".join("-" * key.is_descending + print_key(key.key) for key in order)
