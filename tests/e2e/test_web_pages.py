"""Pages in a real browser on a real server: they show what was recorded and run nothing of it; axe agrees."""

import pytest

from everbloom.testing.browser import look_at, open_web_app
from everbloom.testing.recorded import list_runs, run_script

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"

_TRAIN = f"""
    import math, sys
    import everbloom as eb
    for i in range(3):
        with eb.init(project="talks", experiment="one", name=f"run-{{i}}", why={HOSTILE!r}, params={{"lr": 10.0 ** -i}},
                     tags=["<b>bold</b>"], objectives={{"val/acc": "max"}}) as run:
            print("hello from the console", {HOSTILE!r})
            for step in range(300):
                loss = math.nan if step == 40 else math.inf if step == 50 else 1 / (step + 1)
                run.log({{"loss": loss, "val/acc": 1 - 0.5 ** (step / 50) - i / 10}})
            run.note({HOSTILE!r})
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("web")
    ended = run_script(root, _TRAIN, variables={"EVERBLOOM_CAPTURE": "console,watcher,command"})
    assert ended.returncode == 0, ended.stderr
    return root


@pytest.fixture(scope="module")
def link(store):
    with open_web_app(store) as address:
        yield address


def every_page(store):
    runs = list_runs(store)
    return {
        "/": ["talks"],
        "/local/talks/runs": ["run-0", "run-2"],
        f"/r/{runs[1]}": ["run-1", "Parameters"],
        f"/local/talks/compare?runs={','.join(runs)}": ["val/acc", "run-2"],
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_shows_its_runs_without_an_error_and_axe_has_no_objection(store, link, theme):
    steps = [{"path": path, "text": text, "theme": theme, "check": True} for path, text in every_page(store).items()]
    for page in look_at(link, steps):
        assert (page.url, page.problems) == (page.url, [])
        assert (page.url, page.violations) == (page.url, [])


def test_hostile_text_is_shown_and_never_run(store, link):
    steps = [{"path": path, "text": text} for path, text in every_page(store).items()]
    pages = look_at(link, steps)
    assert all(page.problems == [] for page in pages)
    assert HOSTILE in pages[2].body


def test_without_the_link_a_page_says_how_to_get_in(link):
    stranger = link.partition("/login")[0] + "/login?token=" + "0" * 64
    (page,) = look_at(stranger, [{"path": "/", "wait": "body"}])
    assert "run-0" not in page.body
    assert "everbloom ui" in page.body


def test_a_run_that_starts_while_one_looks_appears_by_itself(store, link):
    code = """
        import everbloom as eb
        with eb.init(project="fresh", name="newcomer") as run:
            run.log({"loss": 1.0})
    """
    assert run_script(store, code).returncode == 0
    (page,) = look_at(link, [{"path": "/local/fresh/runs", "text": ["newcomer"]}])
    assert page.problems == []
