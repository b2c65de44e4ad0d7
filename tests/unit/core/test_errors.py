"""Errors carry their values across processes and answer with one status each."""

import copy
import pickle

import pytest

from everbloom.core import errors
from everbloom.core.errors import Ambiguous, Conflict, EverbloomError, InvalidInput

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EverbloomError)
]  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not EverbloomError])
def test_an_error_crosses_processes_with_all_it_says(kind):
    error = kind("run 'x' is odd; rename it.", code="run.odd", run="x", count=3)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert (again.message, again.code, again.fields) == (error.message, "run.odd", {"run": "x", "count": 3})
        assert str(again) == str(error)


def test_the_last_word_of_a_message_is_its_code():
    assert str(InvalidInput("step 1.5 is no integer.", code="step.kind")) == "step 1.5 is no integer. [step.kind]"


def test_every_class_but_the_root_has_a_status_of_its_own():
    assert "status" not in vars(EverbloomError)
    statuses = {kind.__name__: kind.status for kind in KINDS if kind is not EverbloomError}
    assert all(400 <= status < 600 for status in statuses.values())
    assert Ambiguous.status == Conflict.status == 409


def test_the_tree_in_the_docstring_names_every_class_with_its_status():
    drawn = errors.__doc__ or ""
    for kind in KINDS:
        assert kind.__name__ in drawn
    for kind in KINDS[1:]:
        line = next(line for line in drawn.splitlines() if f" {kind.__name__} " in line)
        assert f" {kind.status} " in line
