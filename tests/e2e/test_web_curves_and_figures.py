"""Curves over any metric, likes and keys, short links, and people's own figures under the strict policy."""

import json

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser

_TRAIN = """
    import json
    import everbloom as eb

    class Drawn:
        def __init__(self, figure):
            self.figure = figure
        def to_json(self):
            return json.dumps(self.figure)

    lite = "https://vega.github.io/schema/vega-lite/v5.json"
    rows = [{"a": "x", "b": 1}, {"a": "y", "b": 2}]
    bars = {"$schema": lite, "data": {"values": rows}, "mark": "bar",
            "transform": [{"calculate": "datum.b * 2", "as": "c"}],
            "encoding": {"x": {"field": "a"}, "y": {"field": "c", "type": "quantitative"}}}
    for i in range(75):
        with eb.init(project="curves", name=f"run-{i:02}") as run:
            for step in range(40):
                run.log({"loss": 1 / (step + 1), "tokens": 100.0 * step * (i + 1)})
            if i == 1:
                layout = {"title": {"text": "<b>Plotted</b>"}}
                plot = {"data": [{"type": "scattergl", "x": [1, 2], "y": [3, 4]}], "layout": layout}
                run.log({"plot": eb.Figure(Drawn(plot)), "bars": eb.Figure(Drawn(bars))})
                run.log({"solid": eb.Figure(Drawn({"data": [{"type": "surface", "z": [[1, 2]]}]}))})
                run.log({"reaching": eb.Figure(Drawn(bars | {"data": {"url": "/api/v1/runs"}}))})
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("curves")
    ended = run_script(root, _TRAIN, variables={"EVERBLOOM_CAPTURE": ""})
    assert ended.returncode == 0, ended.stderr
    return root


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture(scope="module")
def runs(store):
    return list_runs(store)


def test_a_metric_becomes_x_by_keyboard_and_stands_in_the_address(browser, link, runs):
    tab = browser.open(link, f"/r/{runs[0]}")
    tab.role("button", "Metric").focus()
    tab.key("Enter")
    tab.role("searchbox", "Find a metric for x").fill("tok")
    tab.key("Enter")
    tab.text("over tokens").wait()
    assert tab.url.endswith("?x=metric:tokens")
    tab.settle()
    asked = [json.loads(one.sent) for one in tab.requests("/api/v1/series")]
    assert {"axis": "metric", "x_metric": "tokens"}.items() <= asked[-1].items()
    assert tab.problems == []
    tab.close()


def test_l_likes_the_chart_that_is_pointed_at_and_the_heart_stays(browser, link, runs):
    tab = browser.open(link, f"/r/{runs[0]}")
    tab.role("region", "loss").hover()
    tab.key("l")
    tab.text("Liked loss.").wait()
    tab.reload()
    tab.role("button", "Unlike loss").wait()
    assert tab.role("button", "Like", exact=True).count() == 1  # the run itself is not
    tab.close()


def test_brackets_walk_along_the_list_that_a_run_was_opened_from(browser, link, runs):
    tab = browser.open(link, "/local/curves/runs")
    tab.role("link", "run-74").click()
    tab.role("heading", "run-74").wait()
    tab.key("]")
    tab.role("heading", "run-73").wait()
    tab.key("[")
    tab.role("heading", "run-74").wait()
    tab.close()


def test_an_address_of_many_runs_becomes_a_short_link_that_others_can_open(browser, link, runs):
    tab = browser.open(link, f"/local/curves/compare?runs={','.join(runs)}&ema=0.9")
    tab.until("location.pathname.startsWith('/v/')")
    short = tab.evaluate("location.pathname")
    assert len(short) < 40
    other = browser.open(link, short)
    other.role("link", "run-00").wait()
    other.until("location.pathname.startsWith('/v/')")
    assert other.evaluate("document.querySelector('input[type=range]').value") == "0.9"
    missing = browser.open(link, "/v/0123456789")
    missing.text("link.unknown").wait()
    for opened in (tab, other, missing):
        opened.close()


def test_figures_are_drawn_by_their_libraries_and_what_cannot_be_is_shown_as_its_data(browser, link, runs):
    tab = browser.open(link, f"/r/{runs[1]}")
    tab.role("region", "plot").show()
    tab.css(".js-plotly-plot .gtitle").wait()
    # Its rules arrived: without them the second layer, with the title, stands below the first.
    assert (
        tab.evaluate("getComputedStyle(document.querySelectorAll('.js-plotly-plot .main-svg')[1]).position")
        == "absolute"
    )
    tab.role("region", "bars").show()
    tab.css("canvas.marks").wait()
    tab.role("region", "solid").show()
    tab.text("Plotly’s surface cannot be drawn here").wait()
    tab.role("region", "reaching").show()
    tab.text("It reads its data from /api/v1/runs").wait()
    assert [one for one in tab.requests("/api/v1/runs") if one.path == "/api/v1/runs"] == []
    assert tab.problems == []
    tab.close()


def test_a_page_without_figures_loads_no_library_for_them(browser, link, runs):
    tab = browser.open(link, f"/r/{runs[0]}")
    tab.role("heading", "Curves").wait()
    tab.settle()
    assert [one.path for one in tab.requests("/assets/") if "figure-" in one.path or "plotly" in one.path] == []
    tab.close()
