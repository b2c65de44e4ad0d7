"""Looking while a script trains: rows appear, curves grow, nothing is loaded anew, and what that costs is counted."""

import json
from contextlib import contextmanager

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import start_script, wait_until

pytestmark = pytest.mark.browser

METRICS = 40

# Trains as it is told: a line names a run and says how many steps to log; `end` ends it.
_TRAINER = f"""
    import math, sys
    import everbloom as eb
    runs, steps = {{}}, {{}}
    for line in sys.stdin:
        name, many = line.split()
        if name not in runs:
            runs[name] = eb.init(project="live", name=name, params={{"lr": 0.1, "name": name}})
            steps[name] = 0
        for _ in range(int(many)):
            step = steps[name] = steps[name] + 1
            waves = {{f"group/m{{i:02}}": math.sin(step / (10 + i)) for i in range({METRICS})}}
            runs[name].log(waves | {{"loss": 1 / step}}, step=step)
        if many == "0":
            runs[name].finish()
        print("done", runs[name].id, flush=True)
"""


class Trainer:
    """A training script that logs when it is told to."""

    def __init__(self, process):
        self._process = process

    def log(self, name, steps):
        """Log so many steps to a run, which is started by its first; returns its id once all is logged."""
        self._process.stdin.write(f"{name} {steps}\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().split()
        assert said[:1] == ["done"], self._process.stderr.read()
        return said[1]

    def finish(self, name):
        self.log(name, 0)


@contextmanager
def training(root):
    process = start_script(root, _TRAINER, stdin=-1)
    try:
        yield Trainer(process)
    finally:
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("live") / "store"


@pytest.fixture(scope="module")
def trainer(store):
    with training(store) as started:
        yield started


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture
def open_page(browser, link):
    tabs = []

    def open_at(path, **options):
        tabs.append(browser.open(link, path, **options))
        tabs[-1].evaluate("globalThis.isTheSamePage = true")
        return tabs[-1]

    yield open_at
    for tab in tabs:
        # Whatever grew, it grew without a reload and without an error.
        assert tab.evaluate("globalThis.isTheSamePage") is True
        assert tab.problems == []
        tab.close()


def test_an_empty_page_turns_into_rows_and_a_new_run_waits_until_it_is_asked_for(trainer, open_page):
    home, table = open_page("/"), open_page("/local/live/runs")
    home.text("eb.init").wait()
    table.text("eb.init").wait()
    trainer.log("first", 5)
    home.role("link", "live").wait()
    table.role("link", "first").wait()
    table.role("gridcell").saying("running").wait()
    row = table.role("row").saying("first")
    stood_at = row.box()
    trainer.log("second", 5)
    table.role("button", "1 new run").wait()
    assert row.box() == stood_at
    table.role("button", "1 new run").click()
    table.role("link", "second").wait()
    trainer.finish("second")
    table.role("row").saying("second").saying("finished").wait()


def test_a_rows_values_change_where_it_stands(trainer, open_page):
    trainer.log("steady", 1)
    table = open_page("/local/live/runs?cols=metrics.loss.last")
    row = table.role("row").saying("steady")
    row.role("gridcell", "1", exact=True).wait()
    trainer.log("steady", 3)
    row.role("gridcell", "0.2500", exact=True).wait()


def test_what_changed_before_a_page_listened_is_shown_as_soon_as_it_does(trainer, open_page):
    trainer.log("early", 1)
    table = open_page("/local/live/runs?cols=metrics.loss.last")
    table.disturb("**/api/v1/events*", {"abort": "connectionrefused"})
    table.reload()
    table.evaluate("globalThis.isTheSamePage = true")
    row = table.role("row").saying("early")
    row.role("gridcell", "1", exact=True).wait()
    trainer.log("early", 7)
    table.until("performance.getEntriesByName(location.origin + '/api/v1/events').length > 1")
    table.disturb("**/api/v1/events*", None)
    row.role("gridcell", "0.1250", exact=True).wait()
    table.forget_problems()


def test_the_curves_of_a_run_grow_while_it_trains(trainer, open_page):
    run = trainer.log("grows", 100)
    page = open_page(f"/r/{run}?ema=0&m=loss")
    show_curves(page)
    page.role("slider", "Cursor of loss").press("End")
    page.text("step 100").wait()
    trainer.log("grows", 100)
    page.until("document.querySelector('[role=slider][aria-label*=\"Cursor of loss\"]').ariaValueMax >= 200")
    page.role("slider", "Cursor of loss").press("End")
    page.text("step 200").wait()


def test_the_curves_of_a_comparison_grow_while_a_run_trains(trainer, open_page):
    one, two = trainer.log("left", 50), trainer.log("right", 20)
    page = open_page(f"/local/live/compare?runs={one},{two}&ema=0&top=loss")
    page.until("counts.draws.loss?.base > 0")
    trainer.log("right", 150)
    page.until("document.querySelector('[role=slider][aria-label*=\"Cursor of loss\"]').ariaValueMax >= 170")


def test_only_charts_near_the_screen_are_asked_for_and_drawn(trainer, open_page):
    run = trainer.log("tall", 50)
    page = open_page(f"/r/{run}")
    page.role("heading", "Curves").wait()
    page.settle()
    asked = {name for one in page.requests("/api/v1/series") for name in metrics_in(one)}
    drawn = set(page.draws())
    assert drawn <= asked
    assert len(asked) <= 12
    page.role("heading", "Console").show()
    page.until("'group/m39' in counts.draws")
    assert "group/m20" not in page.draws()


def test_news_draws_what_is_seen_at_most_five_times_a_second(trainer, open_page):
    run = trainer.log("busy", 50)
    page = open_page(f"/r/{run}?ema=0")
    show_curves(page)
    page.settle()
    before, since = page.draws(), page.evaluate("performance.now()")
    for _ in range(40):
        trainer.log("busy", 10)
    page.until("document.querySelector('[role=slider][aria-label*=\"Cursor of group/m00\"]').ariaValueMax >= 440")
    page.settle()
    passed_s = (page.evaluate("performance.now()") - since) / 1000
    for name, drawn in page.draws().items():
        assert drawn["base"] - before.get(name, {"base": 0})["base"] <= 5 * passed_s + 1, name
    seen = page.evaluate(_NAMES_IN_VIEW)
    assert {name for name, layer, at in page.evaluate("counts.at") if at > since and layer == "base"} <= set(seen)


def test_one_piece_of_news_costs_a_few_requests(trainer, open_page):
    run = trainer.log("counted", 50)
    for path, most in {"/": 1, "/local/live/runs": 6, f"/r/{run}": 12, f"/local/live/compare?runs={run}": 12}.items():
        page = open_page(path)
        page.text("live").wait()
        page.settle(quiet_ms=300)
        before, drawn = len(page.requests("/api/")), count_draws(page)
        trainer.log("counted", 1)
        wait_until(lambda page=page, before=before: len(page.requests("/api/")) > before, "something to be asked for")
        page.settle(quiet_ms=800)
        # The pages that this one leads to are fetched meanwhile; what news costs is asked of the server.
        asked = page.requests("/api/")[before:]
        assert 1 <= len(asked) <= most, (path, [one.path for one in asked])
        assert all(one.received < 50_000 for one in asked), [(one.path, one.received) for one in asked]
        # A chart is drawn for its new points, and for nothing else that the news brings.
        assert count_draws(page) - drawn <= len([one for one in asked if one.path.endswith("/series")])


def count_draws(page):
    return sum(chart["base"] for chart in page.draws().values())


def show_curves(page):
    page.matching("link", "^Curves").click()
    page.until("Object.keys(counts.draws).length > 0")


_NAMES_IN_VIEW = """[...document.querySelectorAll('[role=slider]')].filter((chart) => {
    const box = chart.getBoundingClientRect();
    return box.bottom > -200 && box.top < innerHeight + 200;
}).map((chart) => /^Cursor of (.*?): /.exec(chart.ariaLabel)[1])"""


def metrics_in(asked):
    """The metrics that a request for curves names."""
    return [series["metric"] for series in json.loads(asked.sent)["series"]]
