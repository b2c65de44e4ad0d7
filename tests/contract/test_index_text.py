"""Full text on both engines: a run is found exactly if its text holds every word asked for."""

import random

import pytest

from everbloom.core.ids import RunId
from everbloom.core.values import fold_text
from everbloom.index.catalog import Catalog
from everbloom.index.documents import Document
from everbloom.index.text import RunText, TextIndex, excerpt_of


class Store:
    def __init__(self, database):
        self.database = database
        self.catalog = Catalog(database)
        self.text = TextIndex(database)
        self.catalog.ensure_schema()
        self.text.ensure_schema()
        self.bodies = {}

    def write(self, number, body, project="p"):
        # Its first lines are its name, tags and so on: wherever a word stands, it is found.
        parts = zip(RunText._fields, body.split("\n", len(RunText._fields) - 1), strict=False)
        self.write_parts(number, project, **dict(parts))
        self.bodies[number] = body

    def write_parts(self, number, project="p", **parts):
        run = RunId(f"{number:032x}")
        attributes = {"id": run, "name": "n", "namespace": "local", "project": project, "created": number}
        with self.database.transaction():
            self.catalog.write_run(run, Document(attributes), is_open=False, now_us=0)
            self.text.write_text(run, RunText(**parts))

    def find(self, query, projects=None, **options):
        projects = [p.id for p in self.catalog.read_projects()] if projects is None else projects
        return [int(match.run, 16) for match in self.text.find_runs(query, projects, **options)]

    def expect(self, query):
        """Return what a plain search of the bodies finds."""
        words = fold_text(query).split()
        return sorted(n for n, body in self.bodies.items() if all(word in fold_text(body) for word in words))


@pytest.fixture
def store(database):
    store = Store(database)
    bodies = [
        "Amber heron\nlr = 0.001\na first try",
        "rare tickers: does a longer context help?\nlr = 0.1",
        "CUDA error: out of memory\nTraceback (most recent call last):",
        "Straße und Ünïcode, ﬁn, İstanbul",
        "100% of it_is 'quoted' \"twice\" and \\ back",
        "emoji 🌱🌿 and 日本語のテキスト",
        "nul \0 inside, escape \x1a too",
        "* AND OR NOT NEAR( ) ^ - + : ;",
        "",
    ]
    for number, body in enumerate(bodies, 1):
        store.write(number, body)
    return store


QUERIES = (
    "amber heron|HERON|heron amber|ber|a|lr|lr =|0.001|=|rare context|tickers:|help?|out of memory|memory OUT|"
    "error: memory|straße|STRASSE|ünïcode|fin|ﬁn|i̇stanbul|100%|%|it_is|_|'|'quoted'|\"|\"twice\"|\\|🌱|🌱🌿|🌿🌱|日本|"
    "日本語|本|テキスト|\0|\x1a|001|0000|*|AND|NOT NEAR(|^|-|:|;|nothing of the kind|zzz|(|)|"
    "most recent call|last):|try amber"
).split("|")


@pytest.mark.parametrize("query", QUERIES)
def test_a_run_is_found_exactly_if_it_holds_every_word(store, query):
    assert sorted(store.find(query)) == store.expect(query)


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_asking_for_nothing_finds_nothing(store, query):
    assert store.find(query) == []


def test_text_that_was_replaced_is_not_found_any_more(store):
    store.write(1, "something else entirely")
    assert (store.find("heron"), store.find("entirely")) == ([], [1])


def test_text_that_is_written_again_unchanged_is_found_once(store):
    store.write(1, store.bodies[1])
    assert store.find("heron") == [1]


def test_only_the_projects_that_were_asked_for_are_searched(store):
    store.write(20, "heron of another project", project="q")
    p, q = (project.id for project in store.catalog.read_projects())
    assert (store.find("heron", [p]), store.find("heron", [q]), store.find("heron", [])) == ([1], [20], [])


def test_the_newest_of_equal_matches_comes_first_and_no_more_than_asked_for(store):
    for number in range(100, 130):
        store.write(number, "the very same words")
    assert store.find("very same", limit=7) == list(range(129, 122, -1))


def test_what_matches_in_a_more_telling_part_comes_first_however_old_it_is(store):
    for number, part in enumerate(RunText._fields):
        store.write_parts(100 + number, **{part: "weighted"})
        store.write_parts(200 + number, **{part: "Unweighted İ\0"})
    ordered = [number + at for at in range(len(RunText._fields)) for number in (200, 100)]
    assert store.find("weighted") == ordered
    for limit in range(1, len(ordered)):
        assert store.find("weighted", limit=limit) == ordered[:limit]


def test_of_several_words_the_one_in_the_least_telling_part_decides(store):
    store.write_parts(100, name="a forest", console="of seeds")
    store.write_parts(101, name="x", params="forest = seed")
    store.write_parts(102, console="seed forest")
    store.write_parts(103, name="seed", tags="forest")
    assert store.find("forest seed") == [103, 101, 102, 100]


def test_an_order_over_parts_is_the_one_that_a_run_says_itself(store):
    rng = random.Random(7)
    words, texts = ["abc", "bcd", "é", "q"], {}
    for number in range(1000, 1100):
        texts[number] = RunText(*(" ".join(rng.sample(words, rng.randrange(3))) for _ in RunText._fields))
        store.write_parts(number, **texts[number]._asdict())
    for query in (["abc"], ["q", "é"], ["abc", "bcd", "q"]):
        ranks = {number: text.rank(query) for number, text in texts.items()}
        expected = sorted((rank, -number) for number, rank in ranks.items() if rank is not None)
        assert store.find(" ".join(query), limit=1000) == [-number for _, number in expected]


def test_a_query_of_a_thousand_words_is_answered(store):
    words = [f"w{number}" for number in range(1500)]
    store.write(300, " ".join(words))
    store.write(301, " ".join(words[:-1]))
    assert store.find(" ".join(words)) == [300]


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_long_texts_of_many_different_words_are_stored_and_found(store, size):
    rng = random.Random(4)
    words = ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(9)) for _ in range(size // 10)]
    store.write(400, " ".join([*words, "needleinhay"]))
    assert store.find("needleinhay") == [400]
    assert store.find(words[0]) == [400]


def test_a_word_of_100_kilobytes_is_stored_and_found(store):
    store.write(500, "x" * 100_000 + "y")
    assert store.find("xxxy") == [500]


def test_the_excerpt_is_the_line_with_most_of_the_words():
    body = "first line\n  the Rare tickers stand here  \nlast rare line"
    assert excerpt_of(body, ["rare", "tickers"]) == "the Rare tickers stand here"


def test_the_excerpt_of_a_long_line_is_cut_around_the_first_word():
    cut = excerpt_of("a " * 500 + "needle" + " b" * 500, ["needle"], width=40)
    assert "needle" in cut
    assert (cut[0], cut[-1], len(cut)) == ("…", "…", 42)


@pytest.mark.parametrize("body", ["", "\n \n"])
def test_the_excerpt_of_no_text_is_empty(body):
    assert excerpt_of(body, ["x"]) == ""
