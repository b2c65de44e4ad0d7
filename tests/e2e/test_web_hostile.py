"""Markup and script in everything a run can say or save: shown as the characters that it is, and never run."""

import pytest

from everbloom.core.clock import now_us
from everbloom.core.records import Link
from everbloom.journal.edits import append_edit
from everbloom.testing.browser import open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser


def mark(surface):
    """Markup that would tell where it ran."""
    return f"<img src=x onerror=\"globalThis.hit='{surface}'\"><script>globalThis.hit='{surface}'</script>"


_TRAIN = f"""
    import json, sys
    from pathlib import Path
    import numpy as np
    import everbloom as eb

    def mark(surface):
        return {mark("SURFACE")!r}.replace("SURFACE", surface)

    def cell(surface):
        return '"' + mark(surface).replace('"', '""') + '"\\n'

    folder = Path(sys.argv[1])
    shown = {{"text/html": mark("notebook html"), "text/plain": mark("notebook plain")}}
    outputs = [{{"output_type": "display_data", "metadata": {{}}, "data": shown}}]
    code = {{"cell_type": "code", "metadata": {{}}, "execution_count": 1, "outputs": outputs}}
    cells = [
        {{"cell_type": "markdown", "metadata": {{}}, "source": mark("notebook text")}},
        code | {{"source": mark("notebook code")}},
    ]
    files = {{
        "page.html": "<!doctype html><title>x</title>" + mark("html file"),
        "picture.svg": '<svg xmlns="http://www.w3.org/2000/svg" onload="globalThis.hit=1"><script>hit=1</script></svg>',
        "data.json": json.dumps({{mark("json key"): mark("json value")}}),
        "rows.csv": cell("csv head") + cell("csv cell"),
        "code.py": "# " + mark("code file"),
        "book.ipynb": json.dumps({{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": cells}}),
    }}
    for name, text in files.items():
        (folder / name).write_text(text)

    def train(number):
        params = {{mark("param key"): mark("param value") + str(number)}}
        with eb.init(project=mark("project")[:60], name=f"{{number}} " + mark("name"), why=mark("why"), params=params,
                     tags=[mark("tag")], objectives={{"acc": "max"}}) as run:
            print(mark("console"))
            print("\\x1b[31m" + mark("console in colour") + "\\x1b[0m")
            run.log({{"acc": number, mark("metric"): 1.0}})
            run.log({{"text": eb.Text(mark("logged text"))}})
            run.log({{"picture": eb.Image(np.zeros((4, 4, 3), np.uint8), caption=mark("caption"))}})
            run.log({{"table": eb.Table(columns=[mark("column")], rows=[[mark("cell")]])}})
            for name in files:
                run.save(folder / name)
            run.save(folder / "code.py", name="<img src=x onerror=hit=2>.py")
            run.note("# " + mark("note heading") + "\\n\\n" + mark("note") + "\\n\\n[a](javascript:hit=3)")
            run.link("https://example.org/?" + mark("link"), mark("link title"))
            run.conclude(mark("conclusion"), verdict="refuted")
            if number:
                raise ValueError(mark("exception"))

    train(0)
    try:
        train(1)
    except ValueError:
        pass
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root, files = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("files")
    ended = run_script(root, _TRAIN, arguments=(str(files),), variables={"EVERBLOOM_CAPTURE": "console,watcher"})
    assert ended.returncode == 0, ended.stderr
    # What the SDK refuses, another writer may still have written.
    link = Link(url="javascript:globalThis.hit='link'", title=mark("script link"), kind=mark("kind"))
    append_edit(root, list_runs(root)[1], "mallory", link, time_us=now_us())
    return root


@pytest.fixture(scope="module")
def runs(store):
    return list_runs(store)


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


@pytest.fixture(scope="module")
def shared_tab(browser, link):
    opened = browser.open(link, "/")
    yield opened
    opened.close()


@pytest.fixture
def tab(shared_tab):
    shared_tab.forget_problems()
    return shared_tab


def assert_shown_and_never_run(tab, *surfaces):
    for surface in surfaces:
        tab.text(f"hit='{surface}'").wait("attached")
    tab.settle()
    assert tab.evaluate("globalThis.hit ?? null") is None
    assert tab.evaluate("document.querySelectorAll('img[src=x], a[href^=javascript]').length") == 0
    assert tab.problems == []  # a refusal by the page's policy would stand here too: nothing came so far


def test_on_the_overview_of_projects(tab):
    tab.go("/")
    tab.role("heading", mark("project")[:60]).wait()
    assert_shown_and_never_run(tab)


def test_in_the_table_of_runs(tab):
    tab.go("/")
    tab.role("heading", mark("project")[:60]).role("link").click()
    tab.role("row").saying("1 <img").wait()
    assert_shown_and_never_run(tab, "tag")
    tab.evaluate("location.search = '?cols=tag,note,conclusion,why'")
    tab.role("row").saying("1 <img").wait()
    assert_shown_and_never_run(tab, "note", "conclusion", "why", "tag")


def test_in_the_peek_the_filters_and_the_palette(tab):
    tab.go("/")
    tab.role("heading", mark("project")[:60]).role("link").click()
    tab.role("row").saying("1 <img").wait()
    tab.key("j")
    tab.key("Space")
    tab.role("complementary", "Peek").wait()
    assert_shown_and_never_run(tab, "why", "conclusion")
    tab.key("Space")
    tab.role("button", "Columns").click()
    tab.role("dialog", "Columns").role("checkbox").wait()
    assert_shown_and_never_run(tab)
    tab.key("Escape")
    tab.role("combobox", "Search names").fill("tag = ")
    tab.role("option").wait()
    assert_shown_and_never_run(tab)
    tab.key("Escape")
    tab.key("Control+k")
    tab.role("combobox", "Filter, run, do or go").fill("onerror")
    tab.role("option").saying("onerror=").wait()
    assert_shown_and_never_run(tab)


def test_on_the_page_of_a_run(tab, runs):
    tab.go(f"/r/{runs[1]}")
    tab.text(mark("exception")).wait()
    assert_shown_and_never_run(
        tab, "why", "conclusion", "tag", "note", "note heading", "metric", "param key", "exception"
    )
    tab.matching("link", "^Media").click()
    assert_shown_and_never_run(tab, "logged text", "caption", "column", "cell", "link title", "script link", "kind")
    tab.matching("link", "^Console").click()
    assert_shown_and_never_run(tab, "console", "console in colour")


@pytest.mark.parametrize(
    ("name", "surfaces"),
    [
        ("page.html", ["html file"]),
        ("picture.svg", []),
        ("data.json", ["json value"]),
        ("rows.csv", ["csv cell", "csv head"]),
        ("code.py", ["code file"]),
        ("book.ipynb", ["notebook text", "notebook code"]),
        ("<img src=x onerror=hit=2>.py", ["code file"]),
    ],
)
def test_in_the_preview_of_a_file(tab, runs, name, surfaces):
    tab.go(f"/r/{runs[0]}")
    tab.role("button", name, exact=True).click()
    assert_shown_and_never_run(tab, *surfaces)


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "code.py"])
def test_at_a_files_own_address_nothing_runs_and_nothing_can_be_asked(tab, runs, name):
    tab.go(f"/r/{runs[0]}")
    address = tab.role("link", f"Download {name}", exact=True).attribute("href").replace("?download=1", "")
    # In a frame of our own page: what a browser would do with the bytes, were they a page.
    tab.evaluate(
        f"document.body.append(Object.assign(document.createElement('iframe'), {{src: {address!r}, id: 'frame'}}))"
    )
    tab.settle()
    assert tab.evaluate("globalThis.hit ?? null") is None
    assert tab.evaluate("(() => { try { return frame.contentWindow.hit ?? null; } catch { return null; } })()") is None


def test_in_a_comparison(tab, runs):
    tab.go(f"/compare?runs={','.join(runs)}")
    tab.role("region", "acc").wait()
    assert_shown_and_never_run(tab, "metric", "param key", "param value")


def test_in_an_address(tab):
    for path in ("/local/x/runs?f=", "/local/x/runs?sort=", "/local/x/runs?cols=", "/compare?top=", "/r/", "/local/x/"):
        tab.go(path)
        tab.evaluate(f"location.href = {path!r} + encodeURIComponent({mark('address')!r})")
        tab.css("main").wait()
        tab.settle(quiet_ms=100)
        assert tab.evaluate("globalThis.hit ?? null") is None
        assert tab.evaluate("document.querySelectorAll('img[src=x]').length") == 0


def test_in_what_a_person_types(tab, runs):
    tab.go(f"/r/{runs[0]}")
    tab.role("button", "Add tag").click()
    tab.role("textbox", "tag").fill(mark("typed tag"))
    tab.key("Enter")
    assert_shown_and_never_run(tab, "typed tag")
