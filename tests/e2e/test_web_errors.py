"""When a request fails: the page says what failed and its code, keeps what it had, and trying again works."""

import json

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser

_TRAIN = """
    import sys
    from pathlib import Path
    import everbloom as eb
    Path(sys.argv[1], "config.json").write_text("{}")
    for i in range(2):
        with eb.init(project="errors", name=f"run-{i}", params={"lr": 0.1 * i}) as run:
            print("printed by", i)
            for step in range(50):
                run.log({"loss": 1 / (step + 1 + i)})
            run.save(Path(sys.argv[1], "config.json"))
"""
GONE = {"abort": "connectionrefused"}
BROKEN = {
    "status": 503,
    "contentType": "application/json",
    "body": json.dumps(
        {"error": {"code": "index.broken", "message": "the index cannot be read; run everbloom reindex."}}
    ),
}
NOT_OURS = {"status": 502, "contentType": "text/html", "body": "<h1>Bad gateway</h1>"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root, files = tmp_path_factory.mktemp("errors"), tmp_path_factory.mktemp("files")
    ended = run_script(root, _TRAIN, arguments=(str(files),), variables={"EVERBLOOM_CAPTURE": "console,watcher"})
    assert ended.returncode == 0, ended.stderr
    return root


@pytest.fixture(scope="module")
def runs(store):
    return list_runs(store)


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture
def tab(browser, link):
    opened = browser.open(link, "/settings")
    yield opened
    assert "something went wrong" not in opened.css("body").read().lower()
    opened.close()


# What is asked for, on which page, how one gets there, and what stands there once it is answered.
PAGES = {
    "**/api/v1/projects": ("/", "1 project"),
    "**/api/v1/runs?*": ("/local/errors/runs", "run-1"),
    "**/api/v1/runs/RUN": ("/r/RUN", "Parameters"),
    "**/api/v1/series": ("/r/RUN#curves", "0.0200"),
    "**/api/v1/runs/RUN/console*": ("/r/RUN#console", "printed by 0"),
    "**/api/v1/compare*": ("/compare?runs=RUN", "Results"),
}


CASES = [
    *((pattern, BROKEN) for pattern in PAGES),
    ("**/api/v1/runs?*", GONE),
    ("**/api/v1/series", GONE),
    ("**/api/v1/runs/RUN", NOT_OURS),
]


@pytest.mark.parametrize(("pattern", "answer"), CASES)
def test_a_page_says_what_failed_and_shows_it_when_tried_again(tab, runs, pattern, answer):
    path, there = PAGES[pattern]
    path, _, section = path.replace("RUN", runs[0]).partition("#")
    pattern = pattern.replace("RUN", runs[0])
    tab.disturb(pattern, answer)
    tab.go(path)
    if section:
        tab.settle()  # sections come one after the other
        tab.matching("link", f"^{section.title()}").click()
    alert = tab.role("alert")
    alert.wait()
    said = alert.nth(0).read()
    if answer is BROKEN:
        assert "the index cannot be read" in said
        assert "index.broken" in said
    else:
        assert {"abort": "everbloom ui", "status": "502"}[next(iter(answer))] in said
        assert "client." in said
    tab.disturb(pattern, None)
    alert.role("button", "Try again").nth(0).click()
    tab.text(there).wait()
    tab.until(
        "document.querySelectorAll('[role=alert]').length === 0 || !document.querySelector('[role=alert] button')"
    )


@pytest.mark.parametrize("pattern", ["**/api/v1/projects", "**/api/v1/runs?*", "**/api/v1/series"])
def test_what_failed_while_the_server_was_away_is_asked_again_when_it_is_back(tab, runs, pattern):
    path, there = PAGES[pattern]
    path = path.replace("RUN", runs[0])
    tab.disturb("**/api/v1/events*", GONE)
    tab.disturb(pattern, GONE)
    tab.go(path)
    if "#" in path:
        tab.settle()
        tab.matching("link", "^Curves").click()
    tab.role("alert").role("button", "Try again").wait()
    tab.disturb(pattern, None)
    tab.disturb("**/api/v1/events*", None)
    tab.text(there).wait()
    tab.until("document.querySelector('[role=alert] button') === null")


def test_rows_stay_when_the_next_question_fails(tab):
    tab.go("/local/errors/runs")
    tab.role("grid").role("link", "run-1").wait()
    tab.disturb("**/api/v1/runs?*", GONE)
    tab.role("columnheader", "lr").role("button", "lr").nth(0).press("Enter")
    tab.role("alert").wait()
    assert tab.role("grid").role("link", "run-1").count() == 1
    tab.disturb("**/api/v1/runs?*", None)
    tab.role("button", "Try again").click()
    tab.until("document.querySelector('[role=alert]') === null")


def test_a_filter_that_cannot_be_read_is_pointed_at_and_rows_stay(tab):
    tab.go("/local/errors/runs")
    tab.role("grid").role("link", "run-1").wait()
    tab.role("combobox", "Search names").fill("state = fnished")
    tab.key("Enter")
    alert = tab.role("alert")
    alert.wait()
    assert "Did you mean `finished`?" in alert.read()
    assert "^^^^^^^" in alert.read()
    assert tab.role("grid").role("link", "run-1").count() == 1


def test_an_edit_that_was_refused_is_taken_back_and_said(tab):
    tab.go("/local/errors/runs")
    tab.role("grid").role("link", "run-1").wait()
    tab.disturb("**/api/v1/runs/*", BROKEN)
    tab.role("row").saying("run-1").hover()
    tab.role("button", "Like run-1").click()
    tab.text("the index cannot be read").wait()
    tab.role("button", "Like run-1").wait()
    assert tab.role("button", "Unlike run-1").count() == 0


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/r/" + "0" * 32, ["run.unknown"]),
        ("/compare?runs=" + "0" * 32, ["run.unknown"]),
        ("/local/errors/runs?f=" + "lr%20%3E", ["filter.unknown_key", "Did you mean `params.lr`?"]),
        ("/no/such/page", ["No such page", "/no/such/page"]),
    ],
)
def test_an_address_of_nothing_says_so_and_shows_the_way(tab, path, words):
    tab.go(path)
    tab.css("main").text(words[0]).wait()
    said = tab.css("main").read()
    for word in words:
        assert word in said
    assert tab.role("link", "Home").count() == 1


def test_a_page_program_that_did_not_arrive_can_be_asked_for_again(browser, link):
    tab = browser.open(link, "/settings")
    tab.role("heading", "Settings").wait()
    tab.settle()
    tab.disturb("**/assets/Page-*.js", GONE)
    tab.role("link", "Home").click()
    tab.text("page.unreachable").wait()
    tab.disturb("**/assets/Page-*.js", None)
    tab.role("button", "Try again").click()
    tab.role("heading", "Projects").wait()
    tab.close()
