"""Laws of reduced ranks: the line pairs by step, the band keeps every extreme, how it came in is unseen."""

import math
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everbloom.core.ids import WriterId
from everbloom.index.ranks import REDUCTIONS, pair_by_step, reduce_lines
from everbloom.index.series import SeriesKey, SeriesStore, Window
from everbloom.testing.databases import fresh_database
from everbloom.testing.series import RUN, LoggedRow, append_logged

VALUES = st.one_of(st.floats(-1e3, 1e3), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.7e308, -1.7e308]))
RANK = st.lists(st.tuples(st.integers(0, 6), VALUES), max_size=12)


def expected_line(values: list[float], how: str) -> float:
    """Return what the line is where ranks have these values, by a plain rule in fractions."""
    numbers = [value for value in values if not math.isnan(value)]
    if not numbers:
        return math.nan
    if how != "mean":
        return min(numbers) if how == "min" else max(numbers)
    if math.inf in numbers or -math.inf in numbers:
        return math.nan if {math.inf, -math.inf} <= set(numbers) else math.copysign(math.inf, max(numbers, key=abs))
    return float(sum(map(Fraction, numbers)) / len(numbers))


def to_arrays(rank: list[tuple[int, float]]):
    ordered = sorted(rank, key=lambda point: point[0])  # stable: of a step, what came last stands last
    steps = np.array([step for step, _ in ordered], np.int64)
    return steps, steps * 10, np.array([value for _, value in ordered], np.float64)


@settings(max_examples=200, deadline=None)
@given(ranks=st.lists(RANK, min_size=1, max_size=4), how=st.sampled_from(REDUCTIONS))
def test_a_line_is_of_each_ranks_last_value_at_a_step_and_the_band_of_all(ranks, how):
    steps, times, line, low, high = pair_by_step([to_arrays(rank) for rank in ranks], how)
    assert steps.tolist() == sorted({step for rank in ranks for step, _ in rank})
    assert times.tolist() == (steps * 10).tolist()
    for at, step in enumerate(steps.tolist()):
        of_ranks = [[value for place, value in rank if place == step] for rank in ranks]
        wanted = expected_line([values[-1] for values in of_ranks if values], how)
        rounding = 1e-12 * max(
            (abs(values[-1]) for values in of_ranks if values and math.isfinite(values[-1])), default=0
        )
        assert math.isclose(line[at], wanted, abs_tol=rounding) or (line[at] != line[at] and wanted != wanted)
        numbers = [value for values in of_ranks for value in values if not math.isnan(value)]
        assert (low[at], high[at]) == (min(numbers), max(numbers)) if numbers else math.isnan(low[at])


@settings(max_examples=100, deadline=None)
@given(line=st.lists(VALUES, min_size=1, max_size=8), copies=st.integers(1, 5), how=st.sampled_from(REDUCTIONS))
def test_ranks_that_agree_are_reduced_to_what_they_agree_on(line, copies, how):
    values = np.array(line)
    reduced = reduce_lines(lambda: [values] * copies, how)
    assert np.array_equal(reduced, values, equal_nan=True)


@pytest.mark.parametrize("seed", range(10))
def test_a_chart_with_a_bucket_a_step_is_the_series_in_full_and_a_narrow_one_keeps_every_extreme(
    seed: int, database_place: Path | str
) -> None:
    rng = random.Random(seed)
    with fresh_database(database_place) as database:
        store = SeriesStore(database)
        store.ensure_schema()
        everything: list[tuple[int, float]] = []
        for rank in range(rng.randrange(1, 4)):
            rows = make_rows(rng, rank)
            everything += [(row.step, row.values["m"]) for row in rows]
            for start in range(0, len(rows), size := rng.randrange(1, len(rows) + 1)):
                append_logged(store, rows[start : start + size], rank=rank)
            if rng.random() < 0.5:
                store.finish_writer(RUN, rows[0].writer)
        key = SeriesKey(RUN, "m", reduce=rng.choice(REDUCTIONS))
        full = store.read_series(RUN, "m", reduce=key.reduce)
        exact = store.read_window([key], Window(columns=100_000))
        narrow = store.read_window([key], Window(columns=rng.randrange(1, 40)))
    assert exact.x.tolist() == full.steps.tolist()
    pairs = ((exact.series[0].last, full.values), (exact.series[0].min, full.low), (exact.series[0].max, full.high))
    assert all(np.array_equal(seen, held, equal_nan=True) for seen, held in pairs)
    for at, (start, end) in enumerate(zip(narrow.starts.tolist(), narrow.ends.tolist(), strict=True)):
        inside = [value for step, value in everything if start <= step <= end]
        numbers = [value for value in inside if not math.isnan(value)]
        assert narrow.series[0].count[at] == len(inside)
        if numbers:
            assert (narrow.series[0].min[at], narrow.series[0].max[at]) == (min(numbers), max(numbers))


def make_rows(rng: random.Random, rank: int) -> list[LoggedRow]:
    """Return rows of one writer, with repeated and out-of-order steps, over more than a chunk now and then."""
    odd = [math.nan, math.inf, -math.inf, 0.0]
    rows = []
    for ordinal in range(rng.choice([5, 300, 5000])):
        step = ordinal if rng.random() < 0.98 else rng.randrange(ordinal + 1)
        value = rng.gauss(0, 1) if rng.random() < 0.97 else rng.choice(odd)
        rows.append(LoggedRow(WriterId(f"{rank:016x}"), ordinal, step, 1_700_000_000_000_000 + ordinal, {"m": value}))
    return rows
