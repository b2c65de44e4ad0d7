"""Where nothing is shown, the page says which place it looked at, what stands elsewhere, and lines that record here."""

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.command_line import run_cli
from everbloom.testing.recorded import run_script
from everbloom.testing.stores import RunSpec, record_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    # A folder that a script finds by no setting, and that both Python and a shell must quote.
    return tmp_path_factory.mktemp("empty") / 'it\'s "here"'


@pytest.fixture(scope="module")
def link(root):
    with open_web_app(root) as address:
        yield address


@pytest.fixture
def tab(browser, link):
    opened = browser.open(link, "/")
    yield opened
    assert opened.problems == []
    assert opened.violations() == []
    opened.close()


def run_lines(tab, folder):
    """Run the lines that a page shows as they stand, in a process that knows nothing of the store."""
    ended = run_script(folder / "another", tab.css("pre code").nth(0).read())
    assert ended.returncode == 0, ended.stderr


def test_the_lines_of_an_empty_store_record_into_it(tab, tmp_path):
    tab.role("heading", "No runs yet in local").wait()
    run_lines(tab, tmp_path)
    tab.role("link", "first").wait()


def test_the_lines_of_a_project_in_another_namespace_record_there_and_its_namesake_is_told(tab, root, tmp_path):
    for _ in range(2):
        record_run(root, RunSpec(fields={"project": "digits"}))
    record_run(root, RunSpec(fields={"project": "another"}))
    tab.go("/local/digits/runs")
    tab.role("grid").role("row").nth(2).wait()  # the server has met them
    tab.go("/other/digits/runs")
    tab.role("heading", "No runs in other/digits yet").wait()
    assert tab.matching("link", "^[0-9]+ in ").read_all()[0] == "2 in local/digits"
    run_lines(tab, tmp_path)
    tab.role("grid").role("row").nth(1).wait()
    tab.go("/other/nothing/runs")
    tab.role("link", "2 in local/digits").click()
    tab.role("grid").role("row").nth(2).wait()


def test_a_project_whose_runs_are_all_archived_says_so_and_shows_them(tab, root):
    for name in ("old", "older"):
        record_run(root, RunSpec(fields={"project": "attic", "name": name}))
        assert run_cli(root, "archive", name).code == 0
    tab.go("/local/attic/runs")
    tab.role("heading", "All runs of local/attic are archived").wait()
    tab.text("2 were put away.").wait()
    tab.role("button", "Show archived runs").click()
    tab.role("grid").role("link", "older").wait()
