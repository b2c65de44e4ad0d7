"""A console's filter never misses, and cutting a text into chunks changes nothing that can be asked of it."""

import zlib
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everbloom.core.values import fold_text
from everbloom.index.console import ConsoleStore, bloom_places, build_bloom, may_hold, may_hold_joined
from everbloom.testing.databases import fresh_database

TEXT = st.text(st.sampled_from("abcABßİſ \n\r\t🌱é"), max_size=60)


def _filter(text: str) -> bytes:
    return zlib.compress(build_bloom(text).tobytes())


@settings(max_examples=200, deadline=None)
@given(before=st.text(max_size=40), needle=st.text(min_size=1, max_size=20), after=st.text(max_size=40))
def test_a_filter_never_says_no_to_what_the_text_holds(before: str, needle: str, after: str) -> None:
    text = (before + needle + after).encode("utf-8", "replace").decode()
    needle = needle.encode("utf-8", "replace").decode()
    assert may_hold(_filter(text), bloom_places(fold_text(needle)))


@settings(max_examples=200, deadline=None)
@given(text=TEXT, data=st.data())
def test_two_filters_never_say_no_to_what_lies_across_a_cut(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    start = data.draw(st.integers(0, len(text)))
    needle = text[start : data.draw(st.integers(start, len(text)))]
    filters = [_filter(text[:cut]), _filter(text[cut:])]
    assert may_hold_joined(filters, bloom_places(fold_text(needle)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(TEXT, max_size=8), filler=st.integers(262_100, 262_160), needle=TEXT.filter(bool))
def test_text_around_a_cut_reads_and_is_found_as_if_it_were_whole(
    tmp_path: Path, pieces: list[str], filler: int, needle: str
) -> None:
    texts = ["." * filler, *pieces]
    whole = "".join(texts)
    with fresh_database(tmp_path) as database:
        store = ConsoleStore(database)
        store.ensure_schema()
        with database.transaction():
            for text in texts:
                store.append_text("r", "w", [(1, text)])
        lines = whole.split("\n") if not whole.endswith("\n") else whole.split("\n")[:-1]
        assert "".join(store.iter_text("r")) == whole
        assert store.count_lines("r") == whole.count("\n")
        holding = [number for number, line in enumerate(lines, 1) if fold_text(needle) in fold_text(line)]
        assert [match.line for match in store.find_lines("r", needle)] == holding
        assert (store.find_runs(needle) == {"r"}) == (fold_text(needle) in fold_text(whole))
        for count in (0, 1, 3, 50):
            kept = lines[-count:] if count else []
            assert store.read_tail("r", count) == "\n".join(kept) + ("\n" if kept and whole.endswith("\n") else "")
