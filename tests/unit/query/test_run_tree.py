"""What branched from what, and whether it helped."""

import math
from pathlib import Path

from everbloom.core.clock import now_us
from everbloom.core.ids import RunId
from everbloom.core.records import Set
from everbloom.core.settings import Settings
from everbloom.journal.edits import append_edit
from everbloom.query.lineage import TreeNode, arrange_runs, find_changes
from everbloom.query.reader import Reader, RunQuery, open_reader
from everbloom.query.views import Run
from everbloom.testing.stores import RunSpec, record_run

START_US = now_us() - 3_600_000_000
NOWHERE = Reader(Settings(root=Path("nowhere")))


def record(root: Path, name: str, at: int, parent: str | None = None, **more) -> str:
    fields = {"name": name, **({"parent": parent} if parent else {}), **more.pop("fields", {})}
    return record_run(root, RunSpec(fields=fields, **more), created_us=START_US + at * 1_000_000)


def tree(root: Path, **query) -> list[TreeNode]:
    with open_reader(Settings(root=root)) as reader:
        return reader.build_tree(RunQuery(**query))


def drawn(nodes) -> list:
    return [[node.run.name, *drawn(node.children)] for node in nodes]


def test_children_hang_from_their_parents_oldest_first(tmp_path):
    top = record(tmp_path, "top", 0)
    left = record(tmp_path, "left", 1, top)
    record(tmp_path, "right", 2, top)
    record(tmp_path, "leaf", 3, left)
    record(tmp_path, "alone", 4)
    assert drawn(tree(tmp_path)) == [["alone"], ["top", ["left", ["leaf"]], ["right"]]]


def test_changes_from_the_parent_are_told(tmp_path):
    top = record(tmp_path, "top", 0, params={"lr": 0.1, "old": 1, "same": 2})
    record(tmp_path, "child", 1, top, params={"lr": 0.03, "new": "x", "same": 2.0})
    (node,) = tree(tmp_path)
    assert node.changes is None
    changes = node.children[0].changes
    assert changes
    assert (changes.added, changes.removed, changes.changed) == ({"new": "x"}, {"old": 1}, {"lr": (0.1, 0.03)})


def test_the_objective_tells_whether_a_branch_helped(tmp_path):
    objective = {"fields": {"objectives": {"score": "min"}}}
    top = record(tmp_path, "top", 0, metrics={"score": [3.0], "acc": [0.9]}, **objective)
    record(tmp_path, "better", 1, top, metrics={"score": [2.0], "acc": [0.1]}, **objective)
    record(tmp_path, "worse", 2, top, metrics={"score": [4.0]}, **objective)
    record(tmp_path, "equal", 3, top, metrics={"score": [3.0]}, **objective)
    record(tmp_path, "guess", 4, top, metrics={"acc": [0.95], "score": [math.nan]})
    record(tmp_path, "none", 5, top)
    (node,) = tree(tmp_path)
    deltas = {child.run.name: child.delta for child in node.children}
    told = {name: (d.metric, d.is_better, d.is_guessed) if d else None for name, d in deltas.items()}
    assert told == {
        "better": ("score", True, False),
        "worse": ("score", False, False),
        "equal": ("score", None, False),
        "guess": ("acc", True, True),
        "none": None,
    }
    assert (deltas["better"].parent_value, deltas["better"].value) == (3.0, 2.0)


def test_a_child_whose_parent_does_not_match_is_a_root_that_still_knows_it(tmp_path):
    top = record(tmp_path, "top", 0, params={"lr": 1})
    record(tmp_path, "child", 1, top, params={"lr": 2})
    (node,) = tree(tmp_path, filter="name = child")
    assert (node.run.name, node.parent.name, node.changes.changed) == ("child", "top", {"lr": (1, 2)})


def test_a_parent_that_is_not_there_leaves_a_root(tmp_path):
    record(tmp_path, "orphan", 0, "0" * 32)
    (node,) = tree(tmp_path)
    assert (node.run.name, node.parent, node.changes) == ("orphan", None, None)


def test_runs_that_are_each_others_ancestors_still_make_a_tree(tmp_path):
    first = record(tmp_path, "first", 0)
    second = record(tmp_path, "second", 1, first)
    record(tmp_path, "below", 2, second)
    own = record(tmp_path, "own", 3)
    append_edit(tmp_path, first, "ann", Set(fields={"parent": second}))
    append_edit(tmp_path, own, "ann", Set(fields={"parent": own}))
    assert drawn(tree(tmp_path)) == [["own"], ["first", ["second", ["below"]]]]


def test_a_chain_longer_than_python_recurses_is_no_matter():
    chain = [f"{at:032x}" for at in range(3000)]
    runs = [
        Run(
            RunId(run),
            {"name": str(at), "created": START_US + at, "parent": chain[at - 1] if at else None},
            {},
            NOWHERE,
        )
        for at, run in enumerate(chain)
    ]
    (node,) = arrange_runs(runs, {run.id: run for run in runs})
    depth = 1
    while node.children:
        (node,) = node.children
        depth += 1
    assert depth == 3000


def test_changes_ignore_how_a_number_was_written():
    assert not find_changes({"a": 1, "b": math.nan}, {"a": 1.0, "b": math.nan})
    assert find_changes({"a": 1}, {"a": True}).changed == {"a": (1, True)}
