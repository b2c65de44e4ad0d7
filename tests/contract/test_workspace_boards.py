"""Views and the order of projects on both engines, also in a workspace that an older version made."""

import pytest
import sqlalchemy as sa  # noqa: TID253 - what is tested is built on it
from alembic import command  # noqa: TID253

from everbloom.core.errors import NotFound
from everbloom.testing.databases import fresh_store_database
from everbloom.workspace.boards import open_boards
from everbloom.workspace.engine import _alembic_config, open_workspace
from everbloom.workspace.places import ProjectPlace
from everbloom.workspace.registry import ensure_experiments, list_experiments


@pytest.fixture
def database(database_place):
    with fresh_store_database(database_place) as address:
        yield address


def test_an_older_workspace_gains_views_and_ranks_and_loses_nothing(tmp_path, database):
    ensure_experiments(tmp_path, database, [("local", "news", "e")])
    engine = open_workspace(tmp_path, database)
    with engine.connect() as connection:
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.commit()
        columns = {column["name"] for column in sa.inspect(connection).get_columns("project")}
        assert "rank" not in columns
    engine.dispose()
    boards = open_boards(tmp_path, database)
    assert boards.read_projects() == {("local", "news"): ProjectPlace(None, is_archived=False)}
    boards.save_view("local", "news", "v", "f=1")
    assert [view.name for view in boards.read_views("local", "news")] == ["v"]
    boards.close()
    assert [path.experiment for path in list_experiments(tmp_path, database)] == ["e"]


def test_a_project_without_a_row_yet_can_be_ordered_and_archived(tmp_path, database):
    boards = open_boards(tmp_path, database)
    boards.order_projects([("local", "new"), ("team", "new"), ("local", "new")])
    boards.archive_project("local", "other", is_archived=True)
    assert boards.read_projects() == {
        ("local", "new"): ProjectPlace(0, is_archived=False),
        ("team", "new"): ProjectPlace(1, is_archived=False),
        ("local", "other"): ProjectPlace(None, is_archived=True),
    }
    boards.close()


def test_two_people_may_save_at_once_and_the_last_query_stands(tmp_path, database):
    one, two = open_boards(tmp_path, database), open_boards(tmp_path, database)
    one.save_view("local", "news", "v", "f=1")
    two.save_view("local", "news", "v", "f=2")
    one.save_view("", "", "v", "all")
    assert [(view.name, view.query) for view in one.read_views("local", "news")] == [("v", "f=2")]
    two.delete_view("local", "news", "v")
    with pytest.raises(NotFound, match="no saved view 'v'"):
        one.delete_view("local", "news", "v")
    one.close()
    two.close()


def test_a_goal_is_kept_by_project_and_metric_and_taken_away(tmp_path, database):
    boards = open_boards(tmp_path, database)
    boards.set_goal("local", "news", "val/acc", 0.95)
    boards.set_goal("local", "news", "val/loss", -1e-300)
    boards.set_goal("local", "other", "val/acc", 7)
    boards.set_goal("local", "news", "val/acc", 0.9)
    goals = {("local", "news"): {"val/acc": 0.9, "val/loss": -1e-300}, ("local", "other"): {"val/acc": 7.0}}
    assert boards.read_goals() == goals
    assert list(boards.read_goals()["local", "news"]) == ["val/acc", "val/loss"]
    boards.set_goal("local", "other", "val/acc", None)
    boards.set_goal("local", "other", "val/acc", None)
    boards.close()
    again = open_boards(tmp_path, database)
    assert list(again.read_goals()) == [("local", "news")]
    again.close()


def test_a_long_address_is_kept_under_a_short_name_that_never_changes(tmp_path, database):
    boards = open_boards(tmp_path, database)
    address = "/local/news/compare?runs=" + ",".join(f"{i:032x}" for i in range(300))
    name = boards.keep_link(address)
    assert (len(name), boards.keep_link(address), boards.keep_link("/other") != name) == (20, name, True)
    assert boards.read_link(name) == address
    with pytest.raises(NotFound, match="no link 'gone' was made in this store"):
        boards.read_link("gone")
    boards.close()
