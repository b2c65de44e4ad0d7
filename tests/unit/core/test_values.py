"""What may be a metric or a parameter, and what a foreign object may do about it."""

import enum
import math
from collections import UserDict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.core.errors import InvalidInput
from everbloom.core.values import (
    check_metric_name,
    fold_text,
    guess_direction,
    iter_flat,
    to_metric_value,
    to_param_value,
)


class Hostile:
    """An object of which nothing works."""

    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __len__ = __float__ = __repr__

    def __getattr__(self, name):
        raise ValueError(name)


class HostileText(str):
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


class Endless:
    ndim = 0

    def item(self):
        return self


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (True, 1.0),
        (0.1, 0.1),
        (2**53 + 1, float(2**53)),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (np.float32(0.5), 0.5),
        (np.int8(-3), -3.0),
        (np.array(2.5), 2.5),
        (np.bool_(True), 1.0),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        (math.inf, math.inf),
    ],
)
def test_any_one_number_is_a_metric(value, expected):
    result = to_metric_value("m", value, 0)
    assert result == expected
    assert type(result) is float


def test_nan_stays_nan():
    assert math.isnan(to_metric_value("m", np.float16("nan"), 0))


@pytest.mark.parametrize("value", ["1", b"1", None, [1.0], {}, np.arange(3), 1j, object()])
def test_what_is_not_one_number_is_refused_by_name_and_step(value):
    with pytest.raises(InvalidInput, match="metric 'val/acc' at step 120 is a") as raised:
        to_metric_value("val/acc", value, 120)
    assert raised.value.code == "value.not_scalar"
    assert raised.value.fields == {"metric": "val/acc", "step": 120}


def test_an_object_of_which_nothing_works_is_refused_like_any_other():
    with pytest.raises(InvalidInput) as raised:
        to_metric_value("m", Hostile(), 0)
    assert raised.value.code == "value.not_scalar"


def test_a_value_whose_step_is_yet_to_be_counted_is_refused_without_a_step():
    with pytest.raises(InvalidInput, match=r"metric 'long' is a str of 3; a metric is one number\."):
        to_metric_value("long", "yyy", None)
    with pytest.raises(InvalidInput) as raised:
        check_metric_name(Hostile())
    assert raised.value.code == "metric.name_not_text"


def test_the_message_says_how_many_numbers_there_were():
    with pytest.raises(InvalidInput, match="is a list of 3; a metric is one number"):
        to_metric_value("m", [1, 2, 3], 0)


@pytest.mark.parametrize("name", ["a", "train/loss", "a b", "🌱", "x" * 1024, "tab\tname"])
def test_metric_names_of_any_visible_form_are_kept(name):
    assert check_metric_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 1025, "a\nb", "a\0b", "\ud800", 3, None, ("a",)])
def test_what_cannot_be_a_metrics_name_is_refused(name):
    with pytest.raises(InvalidInput) as raised:
        check_metric_name(name)
    assert raised.value.code in ("metric.name", "metric.name_not_text")


def test_nested_mappings_become_names():
    nested = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, 5: {6: 4}, "": 7}
    assert list(iter_flat(nested, "/")) == [("a", 1), ("b/c", 2), ("b/d/e", 3), ("5/6", 4), ("", 7)]
    assert list(iter_flat({"opt": {"lr": 1}}, ".")) == [("opt.lr", 1)]


def test_a_mapping_that_holds_itself_is_a_leaf_there_and_not_followed_for_ever():
    cyclic: dict = {"a": 1}
    cyclic["me"] = cyclic["too"] = cyclic
    leaves = [("in/a", 1), ("in/me", cyclic), ("in/too", cyclic), ("z", 2)]
    assert [(name, id(leaf)) for name, leaf in iter_flat({"in": cyclic, "z": 2}, "/")] == [
        (name, id(leaf)) for name, leaf in leaves
    ]


def test_what_is_nested_too_deep_is_a_leaf():
    deep: dict = {"leaf": 1}
    for _ in range(100):
        deep = {"d": deep}
    ((name, value),) = iter_flat(deep, "/")
    assert name.count("/") == 32
    assert isinstance(value, dict)


def test_a_nested_mapping_that_raises_when_it_is_read_is_a_leaf_that_says_so():
    class Broken(UserDict):
        def items(self):
            raise RuntimeError("no")

    leaves = dict(iter_flat({"a": 1, "bad": Broken(x=1), "z": 2}, "/"))
    assert (leaves["a"], leaves["z"]) == (1, 2)
    assert to_param_value(leaves["bad"]) == "<Broken: items() raised RuntimeError>"
    with pytest.raises(InvalidInput, match="one number"):
        to_metric_value("bad", leaves["bad"], 0)


def test_a_key_that_cannot_be_shown_becomes_a_name_that_says_so():
    class Odd:
        def __str__(self):
            raise RuntimeError("no")

    assert dict(iter_flat({"a": {Odd(): 1, "z": 2}}, "/")) == {"a/<Odd: str raised RuntimeError>": 1, "a/z": 2}


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, str(2**63)),
        (0.1, 0.1),
        ("text", "text"),
        ("emoji 🌱", "emoji 🌱"),
        ("half \ud83c", "half \\ud83c"),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.array(3), 3),
        ([1, "a"], "[1, 'a']"),
        (Path("/tmp/x"), "PosixPath('/tmp/x')"),
        (Colour.RED, "<Colour.RED: 1>"),
        (HostileText("quiet"), "quiet"),
        (np.array([1, 2]), "array([1, 2])"),
    ],
)
def test_a_parameter_keeps_its_type_where_it_is_a_scalar_and_becomes_text_otherwise(value, expected):
    result = to_param_value(value)
    assert result == expected
    assert type(result) is type(expected)


def test_a_parameter_that_raises_in_every_way_becomes_a_line_that_says_so():
    assert to_param_value(Hostile()) == "<Hostile: item() raised ValueError>"
    assert "RecursionError" in str(to_param_value(Endless()))


def test_a_parameter_whose_repr_raises_says_so():
    class Mute:
        def __repr__(self):
            raise RuntimeError("no")

    assert to_param_value(Mute()) == "<Mute: repr raised RuntimeError>"


def test_a_cyclic_parameter_becomes_text():
    cyclic: list = [1]
    cyclic.append(cyclic)
    assert to_param_value(cyclic) == "[1, [...]]"


def test_long_text_is_cut_and_says_so():
    cut = to_param_value("x" * 1_000_005)
    assert isinstance(cut, str)
    assert len(cut) == 1_000_001
    assert cut.endswith("x…")
    assert to_param_value("y" * 100_000) == "y" * 100_000


@given(value=st.text() | st.integers() | st.floats() | st.binary() | st.lists(st.integers()))
def test_every_parameter_becomes_a_scalar_that_utf8_can_hold(value):
    result = to_param_value(value)
    assert result is None or type(result) in (str, int, float, bool)
    if isinstance(result, str):
        result.encode()


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("loss", "min"),
        ("train/loss", "min"),
        ("val/acc_loss", "min"),
        ("valloss", "min"),
        ("rmse", "min"),
        ("latency_ms", "min"),
        ("error_rate", "min"),
        ("val/acc", "max"),
        ("top5", "max"),
        ("mAP50", "max"),
        ("val/f1", "max"),
        ("R2", "max"),
        ("eval.BLEU", "max"),
        ("acc/loss", "min"),
        ("loss/acc", "max"),
        ("lr", None),
        ("epoch", None),
        ("flossing", None),
        ("123", None),
        ("", None),
        ("🌱", None),
    ],
)
def test_the_last_word_that_says_something_decides_the_direction(metric, direction):
    assert guess_direction(metric) == direction


def test_text_is_folded_beyond_ascii():
    assert fold_text("Straße ÄÖ") == fold_text("STRASSE äö")
