"""The runs table as people use it: groups, ranges, baselines, saved views, files, all by keyboard."""

import csv
import io
import statistics

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.stores import RunSpec, record_run

pytestmark = pytest.mark.browser

STARTED_US = 1_790_000_000_000_000
RUNS = 40
RATES = [0.1, 0.01, 0.001, 0.1]


def accuracy_of(number):
    return 0.5 + number / 100


@pytest.fixture(scope="module")
def link(tmp_path_factory):
    root = tmp_path_factory.mktemp("tables") / "store"
    for number in range(RUNS):
        spec = RunSpec(
            fields={"name": f"run-{number:02}", "project": "tables"},
            params={"lr": RATES[number % 4], "seed": 7},
            metrics={"val/acc": [0.1, accuracy_of(number)], "val/loss": [1 - accuracy_of(number)]},
            end="failed" if number == 3 else "finished",
        )
        record_run(root, spec, created_us=STARTED_US + number * 1_000_000)
    with open_web_app(root) as address:
        yield address


@pytest.fixture
def open_page(browser, link):
    tabs = []

    def open_at(query=""):
        tabs.append(browser.open(link, f"/local/tables/runs{query}"))
        tabs[-1].css("#line-0").wait()
        return tabs[-1]

    yield open_at
    for tab in tabs:
        assert tab.problems == []
        tab.close()


def press(page, *keys):
    for key in keys:
        page.key(key)


def test_groups_are_summed_up_over_all_members_and_open_where_they_stand(open_page):
    page = open_page("?group=params.lr&sort=-metrics.val/acc.max")
    members = [accuracy_of(number) for number in range(RUNS) if RATES[number % 4] == 0.1]
    page.text(f"{statistics.mean(members):.4f} ± {statistics.stdev(members):.2f}").wait()
    group = page.role("row").saying("0.1").nth(0)
    assert group.attribute("aria-expanded") == "false"
    group.click()
    best = page.css('[data-grid] a[title="run-39"]')
    best.click()
    page.role("heading", "run-39").wait()
    page.back()
    best.wait()
    page.until("document.querySelectorAll('[aria-level=\"2\"]').length > 5")


def test_a_range_is_taken_tagged_and_taken_back_by_keyboard_alone(open_page):
    page = open_page("?sort=name")
    press(page, "j", "x", "End", "Shift+X")
    page.text(f"{RUNS} selected").wait()
    press(page, "t")
    page.role("textbox", "Add").type("swept")
    press(page, "Enter")
    page.text(f"Tagged {RUNS} runs.").wait()
    page.role("gridcell").saying("swept").nth(0).wait()
    press(page, "z")
    page.until("![...document.querySelectorAll('[role=gridcell]')].some((cell) => cell.textContent.includes('swept'))")
    press(page, "Escape")
    page.text(f"{RUNS} selected").wait("hidden")


def test_all_that_match_are_put_away_and_brought_back_in_one_go(open_page):
    page = open_page("?f=params.lr%20%3D%200.1&sort=name")
    press(page, "j", "x", "j", "x")
    page.role("button", f"Select all {RUNS // 2}").click()
    page.text(f"{RUNS // 2} selected").wait()
    press(page, "e")
    page.text(f"Archived {RUNS // 2} runs.").wait()
    page.text("No run matches").wait()
    press(page, "z")
    page.role("link", "run-00").wait()
    page.text(f"{RUNS // 2} of {RUNS} runs").wait()


def test_what_all_means_ends_with_its_filter(open_page):
    page = open_page("?f=params.lr%20%3D%200.01&sort=name")
    press(page, "j", "x", "j", "x")
    page.role("button", f"Select all {RUNS // 4}").click()
    page.role("button", "Remove filter params.lr = 0.01").click()
    page.text("2 selected").wait()
    press(page, "Escape")


def test_a_baseline_stands_on_top_and_every_run_says_how_far_it_is(open_page):
    page = open_page("?sort=name")
    press(page, "j", "b")
    page.text("baseline").nth(0).wait()
    page.role("columnheader").saying("vs base").wait()
    page.role("row").saying("run-10").saying("+0.100").wait()
    press(page, "z")
    page.role("columnheader").saying("vs base").wait("hidden")


def asked_for_rows(page):
    return [asked.url for asked in page.requests("/api/v1/runs") if asked.path == "/api/v1/runs"]


def test_a_baseline_is_read_once(open_page):
    page = open_page("?sort=name")
    rows = len(asked_for_rows(page))
    press(page, "j", "b")
    page.role("columnheader").saying("vs base").wait()
    press(page, "j", "j")
    page.css("#line-2.current").wait()
    page.until("document.getAnimations().length === 0")
    assert len(asked_for_rows(page)) == rows + 1
    press(page, "k", "k", "b")
    page.text("No baseline any more.").wait()


@pytest.mark.parametrize("query", ["", "?sort=-metrics.val/loss.min&group=params.lr&f=params.seed = 7"])
def test_going_to_compare_asks_for_no_rows_again(open_page, query):
    page = open_page(query)
    press(page, "j", "x", "j", "x")
    page.text(" selected").wait()
    rows = len(asked_for_rows(page))
    press(page, "c")
    page.role("heading", "Compare").wait()
    page.role("slider", "Cursor of val/loss").wait()
    page.until("counts.draws['val/loss']?.base > 0")
    assert asked_for_rows(page)[rows:] == []


def test_a_view_is_named_opened_renamed_and_brought_back(open_page):
    page = open_page("?f=params.lr%20%3C%200.05")
    press(page, "Control+s")
    page.role("textbox", "Name").type("Small rates")
    press(page, "Enter")
    page.role("link", "Small rates").wait()
    press(page, "v")
    page.until("location.search === ''")
    press(page, "v")
    page.text(f"{RUNS // 2} of {RUNS} runs").wait()
    page.role("button", "More of the view Small rates").click()
    page.role("menuitem", "Delete").click()
    page.role("link", "Small rates").wait("hidden")
    press(page, "z")
    page.role("link", "Small rates").wait()


def read_file(page):
    address = page.css("footer a[download]").attribute("href")
    text = page.evaluate(f"fetch({address!r}).then((answer) => answer.text())")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_file_holds_what_is_seen_of_all_matches(open_page):
    page = open_page("?f=params.lr%20%3D%200.1&sort=-metrics.val/acc.max")
    lines = read_file(page)
    wanted = [number for number in reversed(range(RUNS)) if RATES[number % 4] == 0.1]
    assert [line["name"] for line in lines] == [f"run-{number:02}" for number in wanted]
    assert [float(line["metrics.val/acc.max"]) for line in lines] == [accuracy_of(number) for number in wanted]


def test_a_file_of_groups_holds_what_is_seen_of_them(open_page):
    page = open_page("?group=params.lr&sort=-metrics.val/acc.max&cols=state,metrics.val/acc.max,params.seed")
    first, *others = read_file(page)
    members = [accuracy_of(number) for number in range(RUNS) if RATES[number % 4] == 0.1]
    assert (first["params.lr"], first["runs"], first["state"]) == ("0.1", "20", "1 failed, 19 finished")
    assert float(first["metrics.val/acc.max mean"]) == pytest.approx(statistics.mean(members))
    assert float(first["metrics.val/acc.max best"]) == max(members)
    assert float(first["params.seed mean"]) == 7
    assert [line["params.lr"] for line in others] == ["0.001", "0.01"]


def test_a_file_says_how_far_runs_are_from_the_baseline(open_page):
    page = open_page("?sort=name&cols=metrics.val/acc.max,params.lr")
    press(page, "j", "b")
    page.role("columnheader").saying("vs base").wait()
    base, second, *_ = read_file(page)
    assert (base["metrics.val/acc.max vs base"], second["name"]) == ("", "run-01")
    assert float(second["metrics.val/acc.max vs base"]) == pytest.approx(0.01)
    press(page, "b")
    page.text("No baseline any more.").wait()


def test_a_filter_with_a_short_key_is_one_click_from_what_was_meant(open_page):
    page = open_page()
    press(page, "/")
    page.role("combobox").nth(0).type("acc > 0.8")
    press(page, "Enter")
    page.role("button", "Use metrics.val/acc").click()
    page.text(f"9 of {RUNS} runs").wait()
    page.forget_problems()


def test_columns_move_and_widen_by_keyboard_and_stay_so(open_page):
    page = open_page()
    head = page.css('[data-head="metrics.val/loss.min"]')
    head.focus()
    press(page, "Shift+ArrowLeft", "Alt+ArrowRight")
    order = "[...document.querySelectorAll('[data-head]')].map((head) => head.dataset.head).slice(3, 5).join()"
    page.until(f"{order} === 'metrics.val/loss.min,metrics.val/acc.max'")
    width = page.css('[role="columnheader"]:has([data-head="metrics.val/loss.min"])').box()["width"]
    page.reload()
    page.css("#line-0").wait()
    page.until(f"{order} === 'metrics.val/loss.min,metrics.val/acc.max'")
    assert page.css('[role="columnheader"]:has([data-head="metrics.val/loss.min"])').box()["width"] == width


def test_a_metric_is_shown_at_a_step_and_nothing_is_sorted_by_it(open_page):
    page = open_page("?sort=name&cols=metrics.val/acc.max,params.lr")
    head = page.role("columnheader").saying("val/acc")
    head.hover()
    page.role("button", "More of val/acc").click()
    page.role("menuitemradio", "Show at step…").click()
    page.role("textbox", "Show at step").type("0")
    press(page, "Enter")
    page.css('[data-head="metrics.val/acc.@0"]').saying("@0").wait()
    page.css("#line-3").saying("0.1").wait()
    page.until("document.querySelector('#line-3 [data-column=\"metrics.val/acc.@0\"]')?.innerText.startsWith('0.1')")
    assert page.css('[data-head="metrics.val/acc.@0"]').attribute("aria-disabled") == "true"
    page.css('[data-head="metrics.val/acc.@0"]').focus()
    press(page, "Enter")
    page.css('[data-head="params.lr"]').click()
    page.until("new URLSearchParams(location.search).get('sort') === '-params.lr'")
    href = page.css("footer a[download]").attribute("href")
    assert "metrics.val/acc.@0" in page.evaluate(f"decodeURIComponent({href!r})")


def test_a_goal_is_set_on_a_card_shown_everywhere_and_taken_back(open_page):
    page = open_page()
    page.role("button", "Set a goal for val/acc").focus()
    press(page, "Enter")
    page.role("textbox", "Goal").type("0.95")
    press(page, "Enter")
    page.text("Goal for val/acc is 0.95.").wait()
    page.role("list", "Goals").saying("val/acc ≥ 0.95").wait()
    page.role("button", "Goal: val/acc ≥ 0.95; 0.060 to go").click()
    page.role("textbox", "Goal").fill("0.8")
    press(page, "Enter")
    page.role("list", "Best values").saying("goal 0.8 reached").wait()
    page.role("link", "Home").click()
    page.role("article").saying("goal 0.8 reached").wait()
    page.back()
    page.css("#line-0").wait()
    assert page.violations() == []
    press(page, "z")
    page.role("button", "Goal: val/acc ≥ 0.95; 0.060 to go").wait()
    press(page, "z")
    page.until("document.querySelector('ul[aria-label=Goals]') === null")


def test_a_goal_is_set_in_the_menu_of_a_metric_and_an_empty_field_takes_it_away(open_page):
    page = open_page("?cols=metrics.val/loss.last")
    page.role("columnheader").saying("val/loss").hover()
    page.role("button", "More of val/loss").click()
    page.role("menuitem", "Goal…").click()
    page.role("textbox", "Goal").type("nothing")
    page.text("Write a number, such as 0.95.").wait()
    page.role("textbox", "Goal").fill("0.05")
    press(page, "Enter")
    page.role("list", "Goals").saying("val/loss ≤ 0.05").wait()
    page.css("ul[aria-label='Best values'] li").nth(0).saying("val/loss").wait()
    page.role("columnheader").saying("val/loss").hover()
    page.role("button", "More of val/loss").click()
    page.role("menuitem", "Goal…").click()
    page.role("textbox", "Goal").fill("")
    page.role("button", "Clear").click()
    page.text("No goal for val/loss any more.").wait()
    page.until("document.querySelector('ul[aria-label=Goals]') === null")


def test_tags_that_do_not_fit_are_counted_and_a_wider_column_shows_them(open_page):
    page = open_page("?f=name = run-05&cols=tag,params.lr")
    press(page, "j", "t")
    page.role("textbox", "Tags of run-05").fill("hint-loss, candidate, ablation, seed-12")
    press(page, "Enter")
    page.text("Tags of run-05 kept.").wait()
    page.role("button", "3 more: candidate, hint-loss, seed-12").wait()
    parts = "[...document.querySelectorAll('#line-0 .tags > *')]"
    cut = f"{parts}.filter((part) => part.scrollWidth > part.clientWidth + 1)"
    assert page.evaluate(f"{cut}.length") == 0
    page.role("button", "More of Tags").click()
    page.role("menuitem", "Fit the width").click()
    page.until("document.querySelectorAll('#line-0 .tags .tag').length === 4")
    assert page.evaluate(f"{cut}.length") == 0
    press(page, "z")
    page.until("document.querySelectorAll('#line-0 .tags .tag').length === 0")
