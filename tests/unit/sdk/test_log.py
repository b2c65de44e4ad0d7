"""What log() takes, keeps and refuses."""

import dataclasses
import datetime
import enum
import math
import threading
from collections import OrderedDict, UserDict

import numpy as np
import pytest

import everbloom as eb
from everbloom.core.errors import InvalidInput
from everbloom.core.records import Problem
from everbloom.testing.recorded import read_recorded


class ZeroDimensional:
    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


def logged(store, *calls, **options):
    with eb.init() as run:
        for values in calls:
            run.log(values, **options)
    return read_recorded(store).rows


def test_plain_numbers_are_kept_with_their_steps(store):
    with eb.init() as run:
        run.log({"loss": 0.5, "epoch": 1}, step=10)
        run.log({"loss": 0.25}, step=20)
    assert read_recorded(store).rows == [(10, {"epoch": 1.0, "loss": 0.5}), (20, {"loss": 0.25})]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.float64(0.25), 0.25),
        (np.int64(7), 7.0),
        (np.bool_(True), 1.0),
        (np.array(3.5), 3.5),
        (np.array([[2.0]]).reshape(()), 2.0),
        (ZeroDimensional(1.5), 1.5),
        (2**53, float(2**53)),
        (2**63 - 1, float(2**63)),
        (2**64, float(2**64)),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
        (-0.0, -0.0),
        (5e-324, 5e-324),
    ],
)
def test_every_kind_of_number_becomes_the_nearest_float64(store, value, expected):
    ((_, row),) = logged(store, {"x": value})
    assert row["x"] == expected
    assert math.copysign(1, row["x"]) == math.copysign(1, expected)


def test_nan_is_kept(store):
    ((_, row),) = logged(store, {"x": math.nan, "y": 1.0})
    assert math.isnan(row["x"])
    assert row["y"] == 1.0


def test_nested_mappings_are_joined_with_slashes(store):
    rows = logged(store, {"train": {"loss": 1, "by": {"class": 2}}}, OrderedDict(a=1), UserDict(b={"c": 2}))
    assert rows == [(0, {"train/by/class": 2, "train/loss": 1}), (1, {"a": 1}), (2, {"b/c": 2})]


@pytest.mark.parametrize(
    "name", ["with space", "a/b/c", "'quoted'", '"double"', "emoji 🌸", "ünïcødé", "tab\tin it", "a.b", "x" * 1024]
)
def test_odd_names_are_names(store, name):
    assert logged(store, {name: 1.0}, {name: 2.0}) == [(0, {name: 1.0}), (1, {name: 2.0})]


def test_a_text_like_enumeration_is_a_name(store):
    class Metric(enum.StrEnum):
        LOSS = "loss"

    assert logged(store, {"loss": 1.0}, {Metric.LOSS: 2.0}) == [(0, {"loss": 1.0}), (1, {"loss": 2.0})]


def test_steps_are_counted_from_zero_and_from_the_last_given_one(store):
    with eb.init() as run:
        for step in (None, None, 10, None, 3, None, 3):
            run.log({"x": 1.0}, step=step)
    assert [step for step, _ in read_recorded(store).rows] == [0, 1, 10, 11, 3, 4, 3]


@pytest.mark.parametrize("step", [np.int32(5), np.int64(5), np.array(5), 5.0, ZeroDimensional(5).value])
def test_whole_numbers_of_any_kind_are_steps(store, step):
    assert logged(store, {"x": 1.0}, step=step) == [(5, {"x": 1.0})]


@pytest.mark.parametrize("step", [-(2**63) + 1, -1, 0, 2**63 - 1])
def test_steps_reach_to_the_ends_of_int64(store, step):
    assert logged(store, {"x": 1.0}, step=step) == [(step, {"x": 1.0})]


@pytest.mark.parametrize("step", [2**63, -(2**64), 1.5, math.nan, "5", "x", [1], object()])
def test_what_is_no_whole_number_in_range_is_no_step(store, step):
    with eb.init() as run, pytest.raises(InvalidInput, match="step"):
        run.log({"x": 1.0}, step=step)
    assert read_recorded(store).rows == []


@pytest.mark.parametrize(
    ("time", "expected_us"),
    [
        (datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC), 1_714_564_800_000_000),
        (datetime.datetime(2024, 5, 1, 12), 1_714_564_800_000_000),  # noqa: DTZ001 - a naive one is what is tried
        (1_714_564_800, 1_714_564_800_000_000),
        (1_714_564_800.25, 1_714_564_800_250_000),
        (np.float64(1_714_564_800.5), 1_714_564_800_500_000),
    ],
)
def test_a_row_can_be_given_its_time(store, time, expected_us):
    with eb.init() as run:
        run.log({"x": 1.0}, time=time)
    assert read_recorded(store).journals[0].times == [expected_us]


@pytest.mark.parametrize("time", ["noon", "12", math.nan, math.inf, object(), 1.0, 1e18])
def test_what_is_no_time_in_range_is_refused(store, time):
    with eb.init() as run, pytest.raises(InvalidInput, match="time"):
        run.log({"x": 1.0}, time=time)


def test_a_time_out_of_range_is_named_in_the_unit_that_was_given(store):
    with eb.init() as run, pytest.raises(InvalidInput, match=r"^time 5 s since 1970 .* a datetime or seconds since"):
        run.log({"x": 1.0}, time=5)


@pytest.mark.parametrize("value", ["text", b"bytes", None, [1, 2], np.zeros(3), object(), {1, 2}, 1 + 2j])
def test_what_is_not_one_number_is_refused_by_name(store, value):
    with eb.init() as run, pytest.raises(InvalidInput, match="'x'"):
        run.log({"x": value})


@pytest.mark.parametrize("name", ["", "x" * 1025, "a\nb", "a\0b", 5, None, ("a",), "half \ud83c"])
def test_what_can_be_no_name_is_refused(store, name):
    with eb.init() as run, pytest.raises(InvalidInput, match="metric name"):
        run.log({name: 1.0})


@pytest.mark.parametrize("values", [None, 5, "loss", [("a", 1)], object()])
def test_what_is_no_mapping_is_refused(store, values):
    with eb.init() as run, pytest.raises(InvalidInput, match="mapping"):
        run.log(values)


def test_a_bad_key_does_not_cost_the_others_of_its_call(store, lenient, capsys):
    values = {"a": 1.0, "bad": "text", "": 2.0, "b": {"c": 3.0, "worse": None}, "d": ZeroDimensional([1])}
    assert logged(store, values, values) == [(0, {"a": 1.0, "b/c": 3.0}), (1, {"a": 1.0, "b/c": 3.0})]
    problems = read_recorded(store).records(Problem)
    assert sorted((p.code, p.count) for p in problems) == [
        ("metric.name", 1),
        ("metric.name", 1),
        ("value.not_scalar", 1),
        ("value.not_scalar", 5),
    ]
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_mapping_that_holds_itself_costs_only_itself(store, lenient, capsys):
    cyclic = {"x": 1.0}
    cyclic["self"] = cyclic
    rows = logged(store, {"before": 1.0, "deep": cyclic, "behind": 3.0}, {"after": 2.0})
    assert rows[0][1] == {"before": 1.0, "deep/x": 1.0, "behind": 3.0}
    assert rows[1][1] == {"after": 2.0}
    assert "'deep/self'" in capsys.readouterr().err


def test_an_object_that_adds_up_to_a_number_is_recorded_as_the_number_that_it_is(store):
    @dataclasses.dataclass
    class Meter:
        value: float

        def __radd__(self, other):
            return other + self.value

        def __float__(self):
            return self.value

    rows = logged(store, {"a": 1.0, "b": 2.0}, {"a": Meter(3.0), "b": 2.0})
    assert [row[1] for row in rows] == [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 2.0}]


def test_a_mapping_whose_own_code_raises_does_not_reach_training(store, lenient, capsys):
    class Hostile(UserDict):
        def items(self):
            raise RuntimeError("no items today")

    assert logged(store, Hostile(a=1), {"b": 2.0})[-1][1] == {"b": 2.0}
    assert "no items today" in capsys.readouterr().err


def test_an_empty_call_counts_a_step_and_records_nothing(store):
    assert logged(store, {}, {"x": 1.0}) == [(1, {"x": 1.0})]


def test_ten_thousand_metrics_in_one_call_are_all_kept(store):
    values = {f"layer{n}/weight": float(n) for n in range(10_000)}
    rows = logged(store, values, values)
    for step in (0, 1):
        merged = {name: value for at, row in rows if at == step for name, value in row.items()}
        assert merged == values


def test_threads_lose_nothing(store):
    with eb.init() as run:
        threads = [
            threading.Thread(target=lambda n=n: [run.log({f"t{n}": float(i)}) for i in range(2_000)]) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    recorded = read_recorded(store)
    assert sorted(step for step, _ in recorded.rows) == list(range(16_000))
    for n in range(8):
        assert [value for _, value in recorded.values(f"t{n}")] == list(range(2_000))


def test_log_can_be_kept_apart_from_its_run(store):
    with eb.init() as run:
        log = run.log
        log({"x": 1.0})
        eb.log({"x": 2.0})
    assert read_recorded(store).values("x") == [(0, 1.0), (1, 2.0)]


def test_logging_after_the_end_is_refused(store):
    run = eb.init()
    run.finish()
    with pytest.raises(InvalidInput, match=r"run\.finished"):
        run.log({"x": 1.0})
    with pytest.raises(InvalidInput, match=r"run\.finished"):
        run.tag("late")


def test_logging_after_the_end_is_told_once_and_breaks_nothing(store, lenient, capsys):
    run = eb.init()
    run.finish()
    for _ in range(100):
        run.log({"x": 1.0})
        run.note("late")
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert read_recorded(store).rows == []


def test_logging_without_a_run_is_refused(store):
    with pytest.raises(InvalidInput, match=r"run\.none"):
        eb.log({"x": 1.0})
