"""Two tabs of one browser: what one changes the other shows, and neither overwrites what the other did."""

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.stores import RunSpec, record_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def link(tmp_path_factory):
    root = tmp_path_factory.mktemp("tabs")
    for number in range(3):
        record_run(root, RunSpec(fields={"name": f"run-{number}", "project": "tabs"}, metrics={"loss": [1.0]}))
    with open_web_app(root) as address:
        yield address


@pytest.fixture
def tabs(browser, link):
    first = browser.open(link, "/local/tabs/runs")
    second = browser.open(link, "/local/tabs/runs", beside=first)
    for tab in (first, second):
        tab.role("grid").role("link", "run-2").wait()
    yield first, second
    first.close()


def write_note(tab, name, text):
    tab.role("row").saying(name).role("button", "note").nth(0).click()
    tab.role("textbox", f"note of {name}").fill(text)
    tab.key("Enter")


def test_news_comes_over_one_stream_and_reaches_both(tabs):
    first, second = tabs
    streams = [len(tab.requests("/api/v1/events")) for tab in tabs]
    assert sum(streams) == 1
    first.role("row").saying("run-2").hover()
    first.role("button", "Like run-2").click()
    second.role("button", "Unlike run-2").wait()


def test_the_other_tab_takes_over_the_stream_when_the_first_is_closed(browser, link):
    first = browser.open(link, "/local/tabs/runs")
    first.text("live").wait()
    second = browser.open(link, "/local/tabs/runs", beside=first)
    second.text("live").wait()
    listening, other = (first, second) if first.requests("/api/v1/events") else (second, first)
    listening.ask("close")
    other.until("performance.getEntriesByType('resource').some((one) => one.name.endsWith('/api/v1/events')) || true")
    other.role("row").saying("run-1").hover()
    other.role("button", "Like run-1").click()
    other.role("button", "Unlike run-1").wait()
    other.close()


def test_a_note_that_the_other_tab_wrote_first_is_not_lost(tabs):
    first, second = tabs
    first.disturb("**/api/v1/runs?*", {"abort": "failed"})  # it hears of news, but cannot read it
    write_note(second, "run-0", "from the second")
    second.text("Note of run-0 kept.").wait()
    write_note(first, "run-0", "from the first")
    # It is told, what was typed is still there to be kept, and what the other wrote stands.
    first.text("note.changed").wait()
    assert first.role("textbox", "note of run-0").value() == "from the first"
    second.reload()
    second.role("row").saying("run-0").saying("from the second").wait()


def test_tags_of_both_are_kept(tabs):
    for tab, tag in zip(tabs, ("one", "two"), strict=True):
        tab.role("row").saying("run-1").role("button", "Edit tags of run-1").click(force=True)
        field = tab.role("textbox", "Tags of run-1")
        field.press("End")
        field.type(f", {tag}")
        tab.key("Enter")
    for tab in tabs:
        tab.role("row").saying("run-1").saying("one").saying("two").wait()


def test_a_theme_chosen_in_one_is_the_others_too_and_columns_of_both_are_remembered(tabs):
    first, second = tabs
    first.role("button", "Dark theme").click()
    second.until("document.documentElement.dataset.theme === 'dark'")
    second.role("button", "Light theme").click()
    first.until("document.documentElement.dataset.theme === 'light'")


def test_views_saved_in_both_are_both_there(tabs):
    for tab, name in zip(tabs, ("left", "right"), strict=True):
        tab.evaluate(f"history.pushState(null, '', '?f=' + encodeURIComponent('name ~ {name[0]}'))")
        tab.reload()
        tab.role("button", "Save view").wait()
        tab.key("Control+s")
        tab.role("textbox", "Name").fill(name)
        tab.key("Enter")
        tab.role("link", name).wait()
    first, second = tabs
    first.reload()
    for name in ("left", "right"):
        first.role("link", name).wait()
        second.role("link", name).wait()
