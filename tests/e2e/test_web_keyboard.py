"""Without a pointer: from projects to runs, a selection, a comparison, a run, and back with nothing lost."""

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.stores import RunSpec, record_run

pytestmark = pytest.mark.browser

RUNS = 150


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("keyboard")


@pytest.fixture(scope="module")
def link(root):
    for number in range(RUNS):
        fields = {"name": f"run-{number:03}", "project": "walk", "experiment": "one"}
        losses = [1.0, 0.5 + number / 1000]
        record_run(root, RunSpec(fields=fields, params={"lr": number / 100}, metrics={"loss": losses, "acc": [0.1]}))
    with open_web_app(root) as address:
        yield address


@pytest.fixture
def tab(browser, link):
    opened = browser.open(link, "/")
    opened.role("link", "walk").wait()
    yield opened
    assert opened.problems == []
    opened.close()


def focused(tab):
    """What a screen reader says that has the focus."""
    return tab.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText.trim()")


def press_until(tab, key, words):
    for _ in range(40):
        tab.key(key)
        if focused(tab) == words:
            return
    raise AssertionError(f"{key} never came to {words!r}; it stands on {focused(tab)!r}")


def cursor(tab):
    """The name of the row that the grid's keys act on."""
    return tab.evaluate(
        "document.getElementById(document.querySelector('[role=grid]').getAttribute('aria-activedescendant') ?? '')"
        "?.querySelector('a').innerText"
    )


def test_from_projects_to_a_comparison_and_a_run_and_back_with_selection_and_scroll(tab):
    press_until(tab, "Tab", "walk")
    tab.key("Enter")
    tab.role("grid").role("link", "run-149").wait()
    for _ in range(100):
        tab.key("j")
    tab.until("document.querySelector('[role=grid]').scrollTop > 1000")
    assert cursor(tab) == "run-050"
    tab.key("x")
    tab.key("j")
    tab.key("x")
    tab.text("2 selected").wait()
    stood_at = tab.evaluate("document.querySelector('[role=grid]').scrollTop")
    tab.key("c")
    chips = tab.role("list", "Runs compared").role("link")
    chips.nth(1).wait()  # the heading stands there before they have come
    assert sorted(chips.read_all()) == ["run-049", "run-050"]
    press_until(tab, "Tab", "run-050")
    tab.key("Enter")
    tab.text("Parameters").wait()
    tab.until("location.pathname.startsWith('/r/')")
    tab.back()
    tab.role("heading", "Compare").wait()
    tab.back()
    tab.role("grid").role("row").saying("run-050").wait()
    tab.text("2 selected").wait()
    tab.until(f"Math.abs(document.querySelector('[role=grid]').scrollTop - {stood_at}) < 40")
    assert tab.role("checkbox", "Select run-050").ask("isChecked") is True


def test_a_run_is_opened_peeked_at_noted_and_liked_by_keys_and_the_way_back_keeps_the_place(tab):
    tab.key("Control+k")
    tab.role("combobox", "Filter, run, do or go").type("walk")
    tab.role("option").saying("walk").wait()
    tab.key("Enter")
    tab.role("grid").role("link", "run-149").wait()
    tab.key("j")
    tab.key("j")
    name = cursor(tab)
    tab.key("Space")
    tab.role("complementary", f"Peek at {name}").wait()
    tab.key("Space")
    tab.key("n")
    tab.role("textbox", f"note of {name}").type("seen by keys")
    tab.key("Enter")
    tab.text(f"Note of {name} kept.").wait()
    assert focused(tab) == "Runs"
    tab.key("z")
    tab.until("!document.querySelector('[role=grid]').innerText.includes('seen by keys')")
    tab.key("Enter")
    tab.until("location.pathname.startsWith('/r/')")
    tab.css("h1").saying(name).wait()
    tab.back()
    tab.role("grid").role("link", name).wait()


def test_fields_of_a_run_leave_the_focus_where_they_were_and_g_r_goes_to_its_projects_runs(tab):
    tab.go("/local/walk/runs")
    tab.role("grid").role("link", "run-149").wait()
    tab.key("j")
    tab.key("Enter")
    why = tab.matching("button", "^Why: ")
    why.focus()
    tab.key("Enter")
    tab.role("textbox", "Why").type("it is asked")
    tab.key("Enter")
    tab.until("document.activeElement.ariaLabel === 'Why: it is asked. Edit'")
    tab.role("button", "Add tag").press("Enter")
    tab.role("textbox", "New tags").type("seen")
    tab.key("Enter")
    tab.until("document.activeElement.id === 'tag-add'")
    tab.role("button", "Take the tag seen off").press("Enter")
    tab.until("document.activeElement.id === 'tag-add'")
    tab.key("n")
    tab.role("textbox", "Note, Markdown").wait()
    tab.key("Escape")
    tab.until("document.activeElement.id === 'note-edit'")
    tab.key("g")
    tab.key("r")
    tab.role("grid").role("link", "run-149").wait()


def test_keys_act_on_the_marked_row_though_a_link_had_the_focus(tab):
    tab.role("navigation").role("link", "walk").nth(0).click()
    tab.role("grid").role("link", "run-149").wait()
    tab.key("j")
    tab.key("j")
    name = cursor(tab)
    tab.key("Enter")
    tab.css("h1").saying(name).wait()


def test_a_note_that_is_typed_is_kept_by_whoever_leaves_though_the_server_cannot_take_it(tab):
    tab.go("/local/walk/runs?sort=name")
    tab.role("grid").role("link", "run-003").click()
    tab.text("Nothing was written about this run yet.").wait()
    tab.key("n")
    field = tab.role("textbox", "Note, Markdown")
    field.type("kept by leaving")
    tab.role("navigation").role("link", "walk").nth(0).click()
    tab.text("Saved the note.").wait()
    tab.back()
    tab.text("kept by leaving").wait()
    tab.key("n")
    field.fill("kept by the field")
    tab.disturb("**/api/v1/runs/*", {"abort": "connectionrefused"})
    tab.role("navigation").role("link", "walk").nth(0).click()
    tab.role("grid").role("link", "run-149").wait()
    tab.until("document.body.innerText.includes('No answer')")
    tab.disturb("**/api/v1/runs/*", None)
    tab.back()
    tab.until("document.querySelector('textarea')?.value === 'kept by the field'")
    tab.forget_problems()


def test_a_key_to_group_by_is_found_and_taken_without_a_pointer(tab):
    tab.go("/local/walk/runs")
    tab.role("grid").role("link", "run-149").wait()
    tab.role("button", "Group").press("Enter")
    tab.label("Find a key to group by").type("experi")
    tab.key("Enter")
    tab.css("[role=treegrid]").role("row").saying("150").wait()


def test_the_cursor_stands_on_the_same_row_after_a_run_was_opened_and_left(tab, link):
    tab.go("/local/walk/runs")
    tab.role("grid").role("link", "run-149").wait()
    for _ in range(120):
        tab.key("j")
    tab.until("document.querySelector('[role=grid]').scrollTop > 1000")
    assert cursor(tab) == "run-030"
    tab.key("Enter")
    tab.until("location.pathname.startsWith('/r/')")
    tab.css("h1").saying("run-030").wait()
    tab.back()
    tab.until("document.querySelector('[role=grid]')?.getAttribute('aria-activedescendant') === 'line-119'")
    tab.until("document.querySelector('#line-119')?.innerText.includes('run-030')")
    tab.key("j")
    tab.until("document.querySelector('#line-120.current')?.innerText.includes('run-029')")


def test_the_cursor_follows_its_row_where_runs_came_meanwhile(tab, root):
    record_run(root, RunSpec(fields={"name": "old", "project": "grown"}, metrics={"loss": [1.0]}))
    for number in range(3):
        record_run(root, RunSpec(fields={"name": f"seed-{number}", "project": "grown"}, metrics={"loss": [1.0]}))
    tab.go("/local/grown/runs")
    tab.role("grid").role("link", "old").wait()
    tab.key("End")
    assert cursor(tab) == "old"
    tab.key("Enter")
    tab.css("h1").saying("old").wait()
    record_run(root, RunSpec(fields={"name": "new", "project": "grown"}, metrics={"loss": [1.0]}))
    tab.until("fetch('/api/v1/runs?project=grown').then((answer) => answer.json()).then(({ total }) => total === 5)")
    tab.back()
    tab.role("grid").role("link", "new").wait()
    tab.until("document.querySelector('[role=grid]').getAttribute('aria-activedescendant') === 'line-4'")
    assert cursor(tab) == "old"


def test_filters_sorts_and_dialogs_give_the_focus_back(tab):
    tab.go("/local/walk/runs")
    tab.role("grid").role("link", "run-149").wait()
    tab.key("/")
    tab.role("combobox", "Search names").type("params.lr > 1.4")
    tab.key("Enter")
    tab.until("document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') === '10'")
    tab.key("Escape")
    tab.key("?")
    tab.role("dialog", "Keys").wait()
    tab.key("Escape")
    tab.role("dialog", "Keys").wait("hidden")
    tab.key("j")
    assert cursor(tab) == "run-149"
    press_until(tab, "Tab", "loss")
    tab.key("Enter")
    tab.until("document.querySelector('[aria-sort=ascending], [aria-sort=descending]') !== null")
    for keys, dialog in (("?", "Keys"), ("Control+k", "Search or jump to"), ("Control+s", "Save this view")):
        tab.key(keys)
        tab.role("dialog", dialog).wait()
        tab.key("Escape")
        tab.role("dialog", dialog).wait("hidden")
        assert (dialog, focused(tab)) == (dialog, "loss")
    press_until(tab, "Tab", "More of loss")
    tab.key("Enter")
    tab.until("document.activeElement.innerText === 'Sort ascending'")
    tab.key("Escape")
    assert focused(tab) == "More of loss"
    tab.key("Control+s")
    tab.role("textbox", "Name").type("steep")
    tab.key("Enter")
    tab.role("link", "steep").wait()


def test_a_chart_is_read_by_keys(tab):
    tab.go("/local/walk/runs")
    tab.role("grid").role("link", "run-149").wait()
    tab.key("j")
    tab.key("x")
    tab.key("c")
    tab.role("slider", "Cursor of loss").wait()
    tab.until("counts.draws.loss?.base > 0")
    tab.role("slider", "Cursor of loss").focus()
    tab.key("End")
    tab.text("step 1: run-149").wait("attached")
    tab.key("Escape")


def test_all_that_match_are_compared_and_one_taken_off_leaves_the_focus_on_the_next(tab):
    tab.go("/local/walk/runs")
    tab.role("grid").role("link", "run-149").wait()
    for key in "jxjx":
        tab.key(key)
    tab.role("button", f"Select all {RUNS}").press("Enter")
    tab.key("c")
    chips = tab.role("list", "Runs compared")
    more = chips.matching("button", "^[0-9]+ more$")
    more.wait()
    assert chips.role("link").count() + int(more.read().split()[0]) == RUNS
    chips.matching("button", "^Remove ").nth(0).press("Enter")
    tab.until("document.activeElement.ariaLabel === 'Remove run-148'")


def test_projects_are_ranked_put_away_and_brought_back_and_the_focus_stays_on_cards(tab, root):
    record_run(root, RunSpec(fields={"name": "aside", "project": "side"}, metrics={"loss": [1.0]}))
    tab.role("list", "Projects").role("link", "side").wait()
    names = tab.role("list", "Projects").role("heading")
    tab.key("j")
    first, second, *rest = names.read_all()
    assert focused(tab) == first
    tab.key("Shift+ArrowRight")
    tab.until(f"document.querySelector('[data-project] h2').innerText === {second!r}")
    tab.until(f"document.activeElement.innerText === {first!r}")
    assert names.read_all() == [second, first, *rest]
    tab.text("Order kept.").wait()
    tab.key("z")
    tab.until(f"document.querySelector('[data-project] h2').innerText === {first!r}")
    tab.until(f"document.activeElement.innerText === {first!r}")
    tab.key("e")
    tab.until(f"document.activeElement.innerText === {second!r}")
    assert names.read_all() == [second, *rest]
    tab.text("is archived.").wait()
    tab.key("z")
    tab.until(f"document.querySelector('[data-project] h2').innerText === {first!r}")


def test_a_run_is_found_and_added_to_a_comparison_by_keys(tab):
    tab.go("/local/walk/runs")
    tab.role("grid").role("link", "run-149").wait()
    for key in ("j", "x", "c"):
        tab.key(key)
    chips = tab.role("list", "Runs compared")
    chips.role("link", "run-149").wait()
    tab.role("button", "Add a run").press("Enter")
    tab.role("searchbox", "Find a run to add").type("run-07")
    tab.role("button", "run-079").wait()
    tab.key("ArrowDown")
    tab.key("ArrowDown")
    assert focused(tab).startswith("run-078")
    tab.key("Enter")
    chips.role("link", "run-078").wait()
