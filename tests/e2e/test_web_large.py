"""Too much of everything: rows, columns, metrics, a parameter, a console. What a page holds and asks for is bounded."""

import json

import pytest

from everbloom.index.store import open_index
from everbloom.testing.browser import open_web_app
from everbloom.testing.command_line import run_cli
from everbloom.testing.many_runs import index_many
from everbloom.testing.recorded import list_runs, run_script
from everbloom.testing.stores import RunSpec, record_run

pytestmark = pytest.mark.browser

MANY_RUNS = 100_000
MANY_COLUMNS = 12_000
MANY_METRICS = 10_000
CONSOLE_LINES = 400_000  # 40 MB; bench/bench_web.py has the console of 1 GB
# A task that long is what people call frozen; the machine of the tests is slow and busy, so it is a wide bound.
FROZEN_MS = 2_000


@pytest.fixture(scope="module")
def many_link(tmp_path_factory):
    root = tmp_path_factory.mktemp("many")
    with open_index(root, None) as index:
        index_many(index, MANY_RUNS, keys=45)
    with open_web_app(root) as address:
        yield address


_TRAIN = f"""
    import everbloom as eb
    half = {MANY_COLUMNS // 2}
    for number in range(2):
        params = {{f"group{{i % 40}}.p{{i:05}}": i + number for i in range(half)}}
        with eb.init(project="wide", name=f"wide-{{number}}", params=params) as run:
            run.log({{f"layer{{i % 40}}/m{{i:05}}": float(i + number) for i in range(half)}})
    with eb.init(project="tall", name="tall", params={{"text": "x" * 100_000, "lr": 0.1}}) as run:
        for step in range(2):
            run.log({{f"group{{i % 50}}/m{{i:05}}": i * step for i in range({MANY_METRICS})}})
"""


@pytest.fixture(scope="module")
def wide_store(tmp_path_factory):
    root = tmp_path_factory.mktemp("wide")
    ended = run_script(root, _TRAIN)
    assert ended.returncode == 0, ended.stderr
    tall = list_runs(root)[2]
    line = "{:06} all is well in this line of what it printed, which is about a hundred characters long, like others\n"
    record_run(root, RunSpec(console="".join(line.format(number) for number in range(CONSOLE_LINES))), run=tall)
    assert run_cli(root, "ls").code == 0  # indexed here, so that no page waits for it
    return root, tall


@pytest.fixture(scope="module")
def wide_link(wide_store):
    with open_web_app(wide_store[0]) as address:
        yield address


@pytest.fixture
def open_page(browser):
    tabs = []

    def open_at(link, path):
        tabs.append(browser.open(link, path))
        return tabs[-1]

    yield open_at
    for tab in tabs:
        assert tab.problems == []
        assert max(tab.long_tasks_ms(), default=0) < FROZEN_MS
        tab.close()


def count_nodes(tab):
    return tab.evaluate("document.getElementsByTagName('*').length")


def assert_bounded(tab, *, limit, most_bytes=300_000):
    """No answer is large, and no request asks for more rows than a few screens."""
    for asked in tab.requests("/api/v1/"):
        assert asked.received < most_bytes, (asked.path, asked.received)
    for asked in tab.requests("/api/v1/runs?"):
        assert f"limit={limit}" in asked.url or "limit=0" in asked.url, asked.url


def test_of_a_hundred_thousand_runs_only_those_in_view_are_rows(open_page, many_link):
    tab = open_page(many_link, "/local/bench/runs")
    grid = tab.role("grid", "Runs")
    grid.wait()
    tab.settle()
    assert int(grid.attribute("aria-rowcount")) > MANY_RUNS * 0.97  # every fiftieth is archived
    assert grid.role("row").count() <= 80
    asked = len(tab.requests("/api/v1/runs?"))
    assert asked <= 3
    for part in (0.25, 0.5, 0.75, 1.0):
        tab.evaluate(
            f"(() => {{ const g = document.querySelector('[role=grid]'); g.scrollTop = g.scrollHeight * {part}; }})()"
        )
        tab.until("document.querySelectorAll('[role=grid] [role=row] a').length > 20")
        assert grid.role("row").count() <= 80
    tab.settle()
    # The pages in view and one each way, wherever one looks.
    assert len(tab.requests("/api/v1/runs?")) - asked <= 4 * 4
    assert count_nodes(tab) < 4_000
    assert_bounded(tab, limit=100)


def test_selecting_all_of_a_hundred_thousand_loads_none_of_them(open_page, many_link):
    tab = open_page(many_link, "/local/bench/runs")
    tab.role("grid", "Runs").wait()
    tab.settle()
    before = len(tab.requests("/api/v1/"))
    tab.role("checkbox", "Select the loaded runs").click()
    tab.matching("button", "^Select all 9").click()
    tab.matching("toolbar", "Selected runs").text("97,").wait()
    tab.settle()
    assert_bounded(tab, limit=100)
    assert len(tab.requests("/api/v1/")) - before <= 2


def test_of_twelve_thousand_columns_only_those_in_view_are_cells(open_page, wide_link):
    tab = open_page(wide_link, "/local/wide/runs")
    tab.role("grid").role("link", "wide-1").wait()
    tab.settle()
    assert count_nodes(tab) < 4_000
    tab.role("button", "Columns").click()
    field = tab.label("Find a column")
    field.wait()
    assert count_nodes(tab) < 9_000
    field.fill("m03999")
    tab.role("dialog", "Columns").text("m03999").wait()
    assert_bounded(tab, limit=100)


def test_of_ten_thousand_metrics_only_curves_in_view_are_cards(open_page, wide_store, wide_link):
    tab = open_page(wide_link, f"/r/{wide_store[1]}")
    tab.role("heading", "Curves").wait()
    tab.settle()
    assert count_nodes(tab) < 6_000
    assert len(tab.requests("/api/v1/series")) <= 15
    tab.matching("link", "^Curves").click()
    tab.role("searchbox", "Filter metrics").fill("m09876")
    tab.role("region", "m09876").wait()
    tab.settle()
    assert tab.css("[role=slider]").count() <= 2
    assert_bounded(tab, limit=100, most_bytes=1_500_000)


def test_a_comparison_of_ten_thousand_metrics_draws_a_few(open_page, wide_store, wide_link):
    tab = open_page(wide_link, f"/compare?runs={wide_store[1]}")
    tab.role("slider").wait()
    tab.settle()
    assert len(tab.requests("/api/v1/series")) <= 20
    assert count_nodes(tab) < 6_000


def test_a_huge_parameter_shows_its_beginning_and_the_rest_when_asked(open_page, wide_store, wide_link):
    tab = open_page(wide_link, f"/r/{wide_store[1]}")
    tab.role("button", "100,000 characters").wait()
    assert tab.evaluate("document.body.innerText.length") < 60_000
    tab.role("button", "100,000 characters").click()
    tab.role("button", "fold").wait()
    tab.settle()
    assert tab.evaluate("document.body.innerText.length") < 200_000


def test_a_huge_console_is_a_window_on_it_wherever_one_looks(open_page, wide_store, wide_link):
    tab = open_page(wide_link, f"/r/{wide_store[1]}")
    tab.role("heading", "Curves").wait()
    tab.settle()
    tab.matching("link", "^Console").click()
    tab.text(f"{CONSOLE_LINES:,} lines").wait()
    tab.text(f"{CONSOLE_LINES - 1:06} all is well").wait()
    tab.settle()
    assert tab.css("#console li").count() < 400
    tab.role("searchbox", "Search the console").fill("200123 all")
    tab.matching("button", "200123 all is well").click()
    tab.until("[...document.querySelectorAll('#console ol li')].some((line) => line.innerText.includes('200124 all'))")
    assert tab.css("#console li").count() < 500
    for asked in tab.requests("/console"):
        assert asked.received < 300_000, (asked.path, asked.received)


def test_no_list_of_any_page_asks_for_more_than_it_shows(open_page, many_link):
    for path in ("/", "/local/bench/runs", "/local/bench/compare"):
        tab = open_page(many_link, path)
        tab.css("main h1").wait()
        tab.settle()
        assert sum(asked.received for asked in tab.requests("/api/v1/")) < 400_000, path
        for asked in tab.requests("/api/v1/"):
            rows = json.loads(tab.body(asked)) if asked.kind == "fetch" and asked.status == 200 else {}
            assert len(rows.get("rows", [])) <= 100, asked.url
