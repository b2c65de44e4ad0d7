"""Every page, and everything that opens over one, in both themes: it shows what was recorded, and axe agrees."""

import gzip
import re

import pytest

from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser

_TRAIN = """
    import json, math, sys
    from pathlib import Path
    import numpy as np
    import everbloom as eb

    folder = Path(sys.argv[1])
    (folder / "config.json").write_text(json.dumps({"layers": [64, 32], "act": "relu"}))
    (folder / "readme.txt").write_text("what this model is for\\n" * 40)
    (folder / "scores.csv").write_text("fold,score\\n1,0.9\\n2,0.8\\n")
    parent = None
    for i in range(3):
        with eb.init(project="talks", experiment="one", name=f"run-{i}", why="does it help?", tags=["first", "slow"],
                     params={"lr": 10.0 ** -i, "layers": [64, 32], "opt": "adam"}, objectives={"val/acc": "max"},
                     parent=parent) as run:
            parent = run.id
            print("hello from the console")
            for step in range(300):
                loss = math.nan if step == 40 else math.inf if step == 50 else 1 / (step + 1)
                run.log({"loss": loss, "val/acc": 1 - 0.5 ** (step / 50) - i / 10})
            run.log({"digits": eb.Image(np.zeros((8, 8, 3), np.uint8), caption="a digit")})
            run.log({"table": eb.Table(columns=["a", "b"], rows=[[1, 2], [3, 4]])})
            run.log({"weights": eb.Histogram(np.random.default_rng(0).normal(size=100))})
            for file in sorted(folder.iterdir()):
                run.save(file)
            run.note("**good** start, see `config.json`")
            run.link("https://example.org/issue/1", "where it was asked for")
            run.conclude("it does", verdict="supported")
    try:
        with eb.init(project="talks", experiment="two", name="run-3", params={"lr": 5.0}) as run:
            run.log({"loss": 1.0})
            raise ValueError("shapes (3,) and (4,) do not fit")
    except ValueError:
        pass
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root, files = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("files")
    capture = {"EVERBLOOM_CAPTURE": "console,watcher,command"}
    ended = run_script(root, _TRAIN, arguments=(str(files),), variables=capture)
    assert ended.returncode == 0, ended.stderr
    return root


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture(scope="module")
def runs(store):
    return list_runs(store)


@pytest.fixture(scope="module")
def tab(browser, link):
    opened = browser.open(link, "/")
    yield opened
    opened.close()


# By address, what is waited for; the runs by their place.
PAGES = {
    "/": ["talks", "run-0"],
    "/local/talks/runs": ["run-0", "run-3", "val/acc"],
    "/local/talks/e/two/runs": ["run-3"],
    "/r/{1}": ["run-1", "Parameters", "hello from the console", "config.json", "a digit"],
    "/r/{3}": ["run-3", "shapes (3,) and (4,) do not fit"],
    "/local/talks/compare?runs={0},{1},{2}": ["val/acc", "run-2"],
    "/compare": ["Compare"],
    "/settings": ["Density"],
    "/settings/kit": ["Button"],
    "/no/such/page/at/all": ["No such page"],
    "/local/nothing/runs": ["eb.init"],
}


def test_a_page_is_scrolled_by_keys_as_soon_as_it_is_open_and_nothing_around_it_is(browser, link, runs):
    opened = browser.open(link, f"/r/{runs[1]}", height=500)
    opened.text("a digit").wait()
    opened.until("document.activeElement.classList.contains('page')")
    opened.key("PageDown")
    opened.until("document.querySelector('.page').scrollTop > 100")
    assert opened.evaluate("document.documentElement.scrollHeight <= innerHeight")
    opened.close()


def test_a_failed_run_that_has_a_conclusion_says_in_the_table_what_it_failed_of(browser, link, store):
    ended = run_script(
        store,
        """
        import everbloom as eb
        try:
            with eb.init(project="talks", experiment="two", name="run-4") as run:
                run.conclude("it does not")
                raise KeyError("lr")
        except KeyError:
            pass
    """,
    )
    assert ended.returncode == 0, ended.stderr
    opened = browser.open(link, "/local/talks/e/two/runs")
    opened.role("row").saying("run-4").saying("KeyError").saying("it does not").wait()
    opened.close()


def assert_flawless(tab, what):
    """Both themes, one after the other on the page as it stands; what axe objects to is named with the place."""
    for theme in ("light", "dark"):
        tab.ask("emulateMedia", {"colorScheme": theme})
        tab.until(f"document.documentElement.dataset.theme === '{theme}'")
        assert (what, theme, tab.violations()) == (what, theme, [])
    assert (what, tab.problems) == (what, [])


@pytest.mark.parametrize("address", PAGES)
def test_every_page_shows_what_it_has_and_axe_has_no_objection(tab, runs, address):
    tab.go(address.format(*runs))
    for said in PAGES[address]:
        tab.text(said).wait()
    tab.settle()
    assert_flawless(tab, address)


def open_palette(tab):
    tab.key("Control+k")
    tab.role("combobox", "Filter, run, do or go").fill("run")
    tab.role("option").saying("run-1").wait()


def open_columns(tab):
    tab.role("button", "Columns").click()
    tab.role("dialog", "Columns").role("checkbox").wait()


def open_filters(tab):
    tab.role("button", "Filter", exact=True).click()
    tab.role("dialog", "Add a filter").wait()


def open_heads_menu(tab):
    tab.role("columnheader", "val/acc").hover()
    tab.role("button", "More of val/acc").click()
    tab.role("menuitem", "Sort ascending").wait()


def open_completions(tab):
    tab.role("combobox", "Search names").fill("params.")
    tab.role("option").saying("params.lr").wait()


def peek(tab):
    tab.key("j")
    tab.key("Space")
    tab.role("complementary", "Peek").wait()


def tag_many(tab):
    tab.key("j")
    tab.key("x")
    tab.role("toolbar", "Selected runs").wait()
    tab.key("t")
    tab.role("dialog", "Tag 1 run").wait()


def save_view(tab):
    tab.key("Control+s")
    tab.role("dialog", "Save this view").wait()


def list_keys(tab):
    tab.key("?")
    tab.role("dialog", "Keys").wait()


@pytest.mark.parametrize(
    "opening",
    [
        open_palette,
        list_keys,
        open_columns,
        open_filters,
        open_heads_menu,
        open_completions,
        peek,
        tag_many,
        save_view,
    ],
)
def test_axe_has_no_objection_to_what_opens_over_the_table(tab, opening):
    tab.evaluate("sessionStorage.clear()")
    tab.go("/local/talks/runs")
    tab.role("link", "run-3").wait()
    opening(tab)
    assert_flawless(tab, opening.__name__)


def test_axe_has_no_objection_to_previews_menus_and_tables_of_curves(tab, runs):
    tab.go(f"/r/{runs[1]}")
    tab.role("button", "Options of loss").click()
    tab.role("menuitemradio", "Show as table").click()
    tab.role("region", "loss as a table").wait()
    assert_flawless(tab, "a table of curves")
    for name in ("config.json", "scores.csv", "readme.txt"):
        tab.role("button", name, exact=True).click()
    tab.text("what this model is for").wait()
    tab.role("region", "scores.csv").wait()
    assert_flawless(tab, "previews")
    tab.role("button", "Options of val/acc").click()
    tab.role("menu", "val/acc").wait()
    assert_flawless(tab, "a menu of curves")


def test_the_first_load_is_small_and_asks_for_each_thing_once(browser, link):
    tab = browser.open(link, "/local/talks/runs")
    tab.role("link", "run-3").wait()
    tab.settle()
    asked = [one for one in tab.requests("/api/v1/") if one.kind == "fetch"]
    assert len({one.url for one in asked}) == len(asked), sorted(one.url for one in asked)
    assert len(asked) <= 10, [one.path for one in asked]
    assert len(tab.requests("/api/v1/events")) == 1
    # What a person waits for: what the page itself names, before anything is lazily fetched.
    (page,) = [one for one in tab.requests("/local/talks/runs") if one.kind == "document" and one.status == 200]
    home = tab.body(page).decode()
    named = set(re.findall(r"/assets/[\w.-]+\.js", home))
    first = [one for one in tab.requests(".js") if one.path in named]
    assert first
    assert sum(len(gzip.compress(tab.body(one))) for one in first) <= 75_000
    tab.close()


def test_without_the_link_a_page_says_how_to_get_in(browser, link):
    stranger = link.partition("/login")[0] + "/login?token=" + "0" * 64
    tab = browser.open(stranger, "/local/talks/runs")
    said = tab.css("body").read()
    assert "everbloom ui" in said
    assert "run-0" not in said
    tab.close()
