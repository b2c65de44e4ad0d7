"""Packing a store's closed runs changes where their bytes lie, and no answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from everbloom.core import layout
from everbloom.ingest.closed import pack_closed_runs, tidy
from everbloom.ingest.indexer import reindex
from everbloom.query.reader import open_reader
from everbloom.testing.command_line import run_cli
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.indexing import answers_of
from everbloom.testing.journals import raise_version
from everbloom.testing.minimal_pack_reader import read_files
from everbloom.testing.recorded import list_runs, run_script, wait_until
from everbloom.testing.scenarios import write_scenario
from everbloom.testing.served import get_json, open_client
from everbloom.testing.stores import store_settings


@pytest.fixture
def store_database(database_place: Path | str) -> Iterator[str | None]:
    with fresh_store_database(database_place) as address:
        yield address


def test_a_packed_store_answers_as_before_and_its_journals_are_gone(tmp_path: Path, store_database: str | None) -> None:
    scenario = write_scenario(tmp_path, 3)
    before = answers_of(tmp_path, store_database)
    packing = pack_closed_runs(tmp_path, store_database, is_forced=True)
    assert packing.packed.keys() == set(scenario.runs)
    assert not packing.refused
    assert answers_of(tmp_path, store_database) == before
    for run in scenario.runs:
        assert layout.pack_path(tmp_path, run).exists()
        assert not layout.run_dir(tmp_path, run).exists()


def test_an_index_rebuilt_from_packs_answers_like_one_fed_from_journals(
    tmp_path: Path, store_database: str | None
) -> None:
    write_scenario(tmp_path, 4)
    before = answers_of(tmp_path, store_database)
    pack_closed_runs(tmp_path, store_database, is_forced=True)
    reindex(tmp_path, store_database)
    assert answers_of(tmp_path, store_database) == before


def test_packing_again_packs_nothing(tmp_path: Path, store_database: str | None) -> None:
    write_scenario(tmp_path, 5, runs=2)
    assert pack_closed_runs(tmp_path, store_database, is_forced=True).packed
    assert not pack_closed_runs(tmp_path, store_database, is_forced=True).packed


def test_tidying_packs_what_ended_long_ago_and_rests_for_a_while(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, 6, runs=2)  # its times are years ago
    tidy(tmp_path, None)
    packed = [run for run in scenario.runs if layout.pack_path(tmp_path, run).exists()]
    assert packed
    later = write_scenario(tmp_path, 7, runs=2)
    tidy(tmp_path, None)
    assert not any(layout.pack_path(tmp_path, run).exists() for run in later.runs)


_CHECKPOINTED = """
    import pathlib, sys
    import everbloom as eb
    resume = sys.argv[1] if len(sys.argv) > 1 else None
    with eb.init(project="p", name="one", resume=resume) as run:
        start = 0
        if run.resumed_from:
            path, start = run.resumed_from
            print(pathlib.Path(path).read_text(), start)
        for step in range(start, start + 5):
            run.log({"loss": 1.0 / (step + 1)}, step=step)
            pathlib.Path("model.txt").write_text(f"weights {step}")
            run.checkpoint("model.txt", step=step)
"""


def test_a_packed_run_is_resumed_from_its_newest_checkpoint(tmp_path: Path) -> None:
    root = tmp_path / "store"
    first = run_script(root, _CHECKPOINTED, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert len(pack_closed_runs(root, is_forced=True).packed) == 1
    second = run_script(root, _CHECKPOINTED, arguments=("one",), cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert second.stdout.split("\n")[0] == "weights 4 4"
    pack_closed_runs(root, is_forced=True)
    with open_reader(store_settings(root)) as reader:
        series = reader.read_series(reader.find_run("one").run.id, "loss")
        assert series.steps[~series.greyed].tolist() == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]


def test_a_run_without_checkpoint_that_is_packed_counts_on_from_its_last_step(tmp_path: Path) -> None:
    code = """
        import sys, everbloom as eb
        with eb.init(project="p", name="one", resume=sys.argv[1] if len(sys.argv) > 1 else None) as run:
            for _ in range(3):
                run.log({"loss": 1.0})
    """
    assert run_script(tmp_path, code).returncode == 0
    pack_closed_runs(tmp_path, is_forced=True)
    assert run_script(tmp_path, code, arguments=("one",)).returncode == 0
    with open_reader(store_settings(tmp_path)) as reader:
        series = reader.read_series(reader.find_run("one").run.id, "loss")
        assert series.steps.tolist() == [0, 1, 2, 3, 4, 5]


def test_when_a_run_has_ended_its_store_is_caught_up_without_anybody_looking(tmp_path: Path) -> None:
    code = """
        import everbloom as eb
        with eb.init(project="p", name="one") as run:
            run.log({"loss": 1.0})
    """
    ended = run_script(tmp_path, code, variables={"EVERBLOOM_CAPTURE": "watcher", "EVERBLOOM_TIDY": "1"})
    assert ended.returncode == 0, ended.stderr
    stamp = layout.lock_path(tmp_path, "tidied")
    wait_until(lambda: stamp.exists() and not list(layout.active_dir(tmp_path).iterdir()), "the store to be tidied")
    with open_reader(store_settings(tmp_path), catch_up=False) as reader:
        assert reader.find_run("one").run.state == "finished"


def test_a_run_that_cannot_be_packed_is_named_and_keeps_none_of_the_others_from_it(
    tmp_path: Path, store_database: str | None
) -> None:
    runs = sorted(write_scenario(tmp_path, 6, runs=3).runs)
    answers_of(tmp_path, store_database)
    folder = layout.run_dir(tmp_path, runs[0])
    kept = {path: path.read_bytes() for path in folder.rglob("*.seg")}
    segment = min(kept)
    newer = raise_version(kept[segment])
    segment.write_bytes(newer)
    packing = pack_closed_runs(tmp_path, store_database, is_forced=True)
    assert packing.packed.keys() == set(runs[1:])
    assert packing.refused.keys() == {runs[0]}
    assert f"{segment} has journal format" in packing.refused[runs[0]]
    assert {path: path.read_bytes() for path in folder.rglob("*.seg")} == kept | {segment: newer}
    assert not layout.pack_path(tmp_path, runs[0]).exists()


def test_storage_says_which_runs_were_not_packed(tmp_path: Path) -> None:
    runs = sorted(write_scenario(tmp_path, 6, runs=2).runs)
    answers_of(tmp_path, None)
    segment = min(layout.run_dir(tmp_path, runs[0]).rglob("*.seg"))
    segment.write_bytes(raise_version(segment.read_bytes()))
    told = run_cli(tmp_path, "storage", "--pack")
    assert "1 run packed." in told.out
    assert f"run {runs[0]} was not packed: " in told.out
    assert run_cli(tmp_path, "storage", "--pack", "--json").data["not_packed"].keys() == {runs[0]}


# ── small files and media ─────────────────────────────────────────────────────────────────────────────────────────

_ILLUSTRATED = """
    import sys
    import numpy as np
    import everbloom as eb
    for number in range(int(sys.argv[1])):
        noise = np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        with eb.init(project="p", name=f"run {number}") as run:
            run.log({"picture": eb.Image(noise), "loss": 1.0 / (number + 1)})
            run.log({"table": eb.Table(columns=["i", "square"], rows=[[i, i * i + number] for i in range(900)])})
            run.note(f"note {number}. " * 3000)
            with open("out.csv", "w") as file:
                file.writelines(f"{i},{i + number}\\n" for i in range(3000))
            run.save("out.csv")
"""


def _record_illustrated(root: Path, folder: Path, runs: int) -> None:
    ended = run_script(root, _ILLUSTRATED, arguments=(str(runs),), cwd=folder)
    assert ended.returncode == 0, ended.stderr


def _count_inodes(root: Path) -> int:
    """Count files and folders of a store; but for the folders, 256 at most, that packs and blobs are spread over."""
    spread = {path for part in ("packs", "blobs") for path in (root / part).glob("[0-9a-f][0-9a-f]")}
    return sum(path not in spread for path in root.rglob("*"))


def test_a_closed_run_with_a_picture_a_table_a_note_and_a_file_costs_one_file(tmp_path: Path) -> None:
    root, runs = tmp_path / "store", 40
    _record_illustrated(root, tmp_path, runs)
    assert _count_inodes(root) > 7 * runs
    packing = pack_closed_runs(root, is_forced=True)
    assert [report.blobs for report in packing.packed.values()] == [4] * runs
    assert _count_inodes(root) <= 1.5 * runs
    assert len(list((root / "packs").rglob("*.pack"))) == runs
    assert list((root / "runs").iterdir()) == []


def test_what_a_packed_run_kept_is_read_as_before_in_python_on_the_command_line_and_over_rest(tmp_path: Path) -> None:
    root = tmp_path / "store"
    _record_illustrated(root, tmp_path, 2)
    before = _read_everywhere(root, tmp_path)
    assert run_cli(root, "storage", "--pack", "--json").data["packed"] == 2
    assert list_runs(root) == []
    assert _read_everywhere(root, tmp_path) == before


def _read_everywhere(root: Path, folder: Path) -> dict[str, object]:
    shown = run_cli(root, "show", "run 1", "--json").data
    told: dict[str, Any] = {"show": (shown["artifacts"], shown["media"])}
    target = folder / "copied.csv"
    assert run_cli(root, "get", "run 1", "out.csv", "-o", str(target), "--force").code == 0
    told["get"] = target.read_bytes()
    with open_reader(store_settings(root)) as reader:
        run = reader.find_run("run 1").run.id
        media = reader.list_media(run)
        told["media"] = {item.name: reader.open_media(item).read() for item in media}
        with reader.open_artifact(run, "notes/note.md") as note:
            told["note"] = note.read()
    with open_client(root) as client:
        told["table"] = get_json(client, f"/runs/{run}/media/table")
        told["preview"] = get_json(client, f"/runs/{run}/preview", path="out.csv", offset=2900)
        (picture,) = (item for item in media if item.name == "picture")
        content = client.get(f"/api/v1/runs/{run}/media-content/{picture.sha256}")
        told["picture"] = (content.status_code, content.headers["content-type"], content.content)
        part = client.get(f"/api/v1/runs/{run}/artifacts/out.csv", headers={"range": "bytes=1000-1099"})
        told["range"] = (part.status_code, part.headers["content-range"], part.content)
    assert content.content == told["media"]["picture"]
    return told


def test_a_checkpoint_of_many_small_files_is_restored_from_a_pack(tmp_path: Path) -> None:
    code = """
        import pathlib, sys
        import everbloom as eb
        with eb.init(project="p", name="one", resume=sys.argv[1] if len(sys.argv) > 1 else None) as run:
            if run.resumed_from:
                path, step = run.resumed_from
                print(step, *sorted(p.read_text() for p in pathlib.Path(path).iterdir()))
            for part in "ab":
                pathlib.Path("state").mkdir(exist_ok=True)
                pathlib.Path("state", part).write_text(f"state {part}")
            run.log({"loss": 1.0}, step=3)
            run.checkpoint("state", step=3)
    """
    root = tmp_path / "store"
    assert run_script(root, code, cwd=tmp_path).returncode == 0
    assert [report.blobs for report in pack_closed_runs(root, is_forced=True).packed.values()] == [3]
    again = run_script(root, code, arguments=("one",), cwd=tmp_path)
    assert (again.stdout.strip(), again.returncode) == ("3 state a state b", 0), again.stderr


def test_what_whoever_packed_a_run_and_died_had_left_is_removed_by_the_next(tmp_path: Path) -> None:
    root = tmp_path / "store"
    _record_illustrated(root, tmp_path, 1)
    (run,) = list_runs(root)
    blobs = layout.run_blobs_dir(root, run)
    kept = {path.name: path.read_bytes() for path in blobs.iterdir()}
    pack_closed_runs(root, is_forced=True)
    blobs.mkdir(parents=True)
    for name, data in kept.items():
        (blobs / name).write_bytes(data)
    unknown = "0" * 64
    (blobs / unknown).write_bytes(b"not in the pack")
    pack_closed_runs(root)
    assert [path.name for path in blobs.iterdir()] == [unknown]
    (blobs / unknown).unlink()
    pack_closed_runs(root)
    assert list_runs(root) == []
    assert read_files(layout.pack_path(root, run).read_bytes()) == kept


def test_storage_says_which_files_were_left_as_damaged(tmp_path: Path) -> None:
    root = tmp_path / "store"
    _record_illustrated(root, tmp_path, 1)
    (run,) = list_runs(root)
    bad = min(layout.run_blobs_dir(root, run).iterdir())
    bad.write_bytes(b"something else")
    told = run_cli(root, "storage", "--pack")
    assert "1 run packed." in told.out
    assert f"run {run} keeps a damaged file: {bad.name}" in " ".join(told.out.split())
    assert bad.exists()
