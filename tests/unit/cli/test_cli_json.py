"""JSON that loses nothing."""

import io
import json
import math
from contextlib import redirect_stdout
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.cli.output.exact_json import encode_json, write_json
from everbloom.cli.output.screen import Screen


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_exact(value):
    assert json.loads(encode_json(value)) == value


@pytest.mark.parametrize(("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_what_json_has_no_number_for_is_a_text(value, text):
    assert json.loads(encode_json([value, np.float64(value), np.array([value])])) == [text, text, [text]]


def test_times_are_iso_8601_in_utc():
    assert json.loads(encode_json({"at": datetime(2026, 1, 2, tzinfo=UTC)})) == {"at": "2026-01-02T00:00:00.000000Z"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_plain_values_stay_what_they_are(value):
    assert json.loads(encode_json(value)) == value


def test_on_a_terminal_no_control_character_is_written_raw_and_the_value_is_the_same():
    text = "\x1b[2J\x9b31m\u202eabc🚀größe"
    with redirect_stdout(io.StringIO()) as out:
        write_json(Screen(is_terminal=True, width=80), {"name": text})
    written = out.getvalue()
    assert all(c.isprintable() or c == "\n" for c in written)
    assert json.loads(written) == {"name": text}


def test_without_unicode_the_text_is_ascii_and_the_value_the_same():
    with redirect_stdout(io.StringIO()) as out:
        write_json(Screen(has_unicode=False), ["🚀größe"])
    assert out.getvalue().isascii()
    assert json.loads(out.getvalue()) == ["🚀größe"]
