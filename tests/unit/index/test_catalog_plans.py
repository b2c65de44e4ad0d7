"""What is asked at every look at a store must not walk all of its runs."""

from pathlib import Path

import pytest

from everbloom.index.store import open_index

SMALL = [
    "SELECT slot, document FROM run WHERE project = 1 AND pending_since IS NOT NULL ORDER BY slot",
    "SELECT id FROM run WHERE project IN (1, 2) AND pending_since IS NOT NULL AND id_reversed <> '' "
    "ORDER BY created DESC, id DESC",
    "SELECT project, COUNT(*), MIN(pending_since) FROM run WHERE pending_since IS NOT NULL GROUP BY project",
    "UPDATE run SET pending_since = NULL, was_folded = 1 WHERE project = 1 AND pending_since IS NOT NULL",
    "DELETE FROM run WHERE project = 1 AND pending_since IS NOT NULL AND id_reversed = ''",
]


@pytest.mark.parametrize("sql", SMALL)
def test_what_is_pending_is_found_by_an_index_of_the_pending_alone(tmp_path: Path, sql: str) -> None:
    with open_index(tmp_path, None) as index:
        plan = " ".join(str(row[3]) for row in index.catalog_database.execute(f"EXPLAIN QUERY PLAN {sql}"))
    assert "run_pending" in plan, plan


def test_the_places_of_a_page_are_found_by_project_and_slot(tmp_path: Path) -> None:
    sql = "SELECT id FROM run WHERE project = 1 AND slot IN (1, 2, 3)"
    with open_index(tmp_path, None) as index:
        plan = " ".join(str(row[3]) for row in index.catalog_database.execute(f"EXPLAIN QUERY PLAN {sql}"))
    assert "run_slot (project=? AND slot=?)" in plan, plan
