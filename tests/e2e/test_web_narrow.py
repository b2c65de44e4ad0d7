"""Where there is little room or little logged: names are cut last, and a line between two points is still a line."""

import json

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser

PROJECT = "p" * 250 + "-final"
RUN = "a-run-that-says-what-it-tries"
_TRAIN = f"""
    import everbloom as eb
    with eb.init(project={PROJECT!r}, experiment="headlines", name={RUN!r}, tags=["first"]) as run:
        for step in range(1001):
            run.log({{"loss": 1 / (step + 1)}} | ({{"acc": step / 1000}} if step % 500 == 0 else {{}}), step=step)
        run.conclude("yes", verdict="supported")
"""


# The share of a chart's pixel columns in which something stands that is no grey.
COLOURED = """(() => {
  const cards = [...document.querySelectorAll('section.card')];
  const canvas = cards.find((card) => card.querySelector('h3').textContent.startsWith('acc')).querySelector('canvas');
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const columns = new Set();
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, alpha] = data.subarray(at, at + 4);
    if (alpha > 40 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) columns.add((at / 4) % width);
  }
  return columns.size / width;
})()"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("narrow")
    ended = run_script(root, _TRAIN)
    assert ended.returncode == 0, ended.stderr
    return root


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture
def open_page(browser, link):
    tabs = []

    def open_at(path, **more):
        tabs.append(browser.open(link, path, **more))
        return tabs[-1]

    yield open_at
    for tab in tabs:
        assert tab.problems == []
        tab.close()


def is_whole(tab, selector):
    return tab.evaluate(
        f"(([part]) => part.scrollWidth <= part.clientWidth && part.getBoundingClientRect().right <= innerWidth)"
        f"(document.querySelectorAll({selector!r}))"
    )


def test_at_twice_the_size_a_runs_name_is_whole_and_its_crumb_leads_to_its_experiment(open_page, store):
    (run,) = list_runs(store)
    tab = open_page(f"/r/{run}", width=640, height=700)
    tab.role("heading", RUN).wait()
    assert is_whole(tab, "h1")
    assert is_whole(tab, "nav[aria-label=Breadcrumb] a:last-child")
    assert tab.role("link", PROJECT).nth(0).attribute("title") == PROJECT
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_low_window_keeps_the_best_values(open_page):
    tab = open_page(f"/local/{PROJECT}/runs", width=1280, height=540)
    tab.role("list", "Best values").wait()
    assert tab.role("list", "Best values").box()["height"] <= 40
    assert tab.role("row").saying(RUN).count() == 1


def test_a_zoom_between_two_points_shows_the_line_that_crosses_it(open_page, store):
    (run,) = list_runs(store)
    tab = open_page(f"/r/{run}?ema=0", width=1280, height=900)
    tab.until("counts.draws['acc']?.base > 0")
    cursor = tab.role("slider", "Cursor of acc")
    cursor.show()
    tab.settle()
    box = cursor.box()
    y = box["y"] + box["height"] / 2
    tab.move(box["x"] + box["width"] * 0.65, y)
    tab.mouse("down")
    tab.move(box["x"] + box["width"] * 0.7, y)
    tab.move(box["x"] + box["width"] * 0.75, y)
    tab.mouse("up")
    tab.settle()
    asked = json.loads(tab.requests("/api/v1/series")[-1].sent)
    assert 500 < asked["low"] < asked["high"] < 1000
    assert tab.text("No points in this range").count() == 0
    assert tab.evaluate(COLOURED) > 0.8
