"""Packing that is killed at any step, or races with a run that is resumed: every content that was kept is there."""

import hashlib
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.ids import RunId
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import reindex
from everbloom.journal.blobs import list_own_blobs, read_blob
from everbloom.query.reader import open_reader
from everbloom.testing.indexing import answers_of
from everbloom.testing.minimal_pack_reader import read_files
from everbloom.testing.packs import write_journals
from everbloom.testing.recorded import start_script
from everbloom.testing.stores import store_settings

pytestmark = pytest.mark.fault

_STEPS = frozenset(("os.remove", "os.rename", "os.rmdir", "os.mkdir", "shutil.rmtree"))


def pack_until(root: Path, step: int) -> bool:
    """Pack in a process that kills itself before so many-th change of a folder; tells whether it came to its end."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            is_written = event == "open" and str(arguments[0]).endswith(".part") and arguments[1] == "xb"
            if event in _STEPS or is_written:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            pack_closed_runs(root, is_forced=True)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def read_kept(root: Path, run: RunId, names: list[str]) -> dict[str, bytes]:
    return {name: read_blob(root, run, name) for name in names}


@pytest.mark.parametrize("is_resumed", [False, True])
def test_packing_killed_before_any_step_loses_nothing_and_is_finished_by_the_next(
    tmp_path: Path, is_resumed: bool
) -> None:
    prepared = tmp_path / "prepared"
    run = write_journals(prepared, 1, writers=2, rows=300, blobs=6)
    names = list_own_blobs(prepared, run)
    if is_resumed:
        answers_of(prepared)
        pack_closed_runs(prepared, is_forced=True)
        write_journals(prepared, 2, writers=1, rows=300, blobs=6, run=run)
        names = sorted({*names, *list_own_blobs(prepared, run)})
    before, kept = answers_of(prepared), read_kept(prepared, run, names)
    step, is_over = 0, False
    while not is_over:
        step += 1
        root = tmp_path / "store"
        shutil.copytree(prepared, root)
        is_over = pack_until(root, step)
        assert (read_kept(root, run, names), answers_of(root)) == (kept, before), f"killed before step {step}"
        assert pack_closed_runs(root, is_forced=True).refused == {}
        assert not layout.run_dir(root, run).exists(), f"killed before step {step}"
        assert [path.suffix for path in layout.pack_path(root, run).parent.iterdir()] == [".pack"]
        assert read_files(layout.pack_path(root, run).read_bytes()) == kept
        assert (read_kept(root, run, names), answers_of(root)) == (kept, before), f"killed before step {step}"
        shutil.rmtree(root)
    assert step > 10


def test_a_store_rebuilt_after_packing_was_killed_answers_as_before(tmp_path: Path) -> None:
    prepared, root = tmp_path / "prepared", tmp_path / "store"
    run = write_journals(prepared, 3, writers=2, rows=300, blobs=6)
    names = list_own_blobs(prepared, run)
    before, kept = answers_of(prepared), read_kept(prepared, run, names)
    step, is_over = 0, False
    while not is_over:
        step += 3
        shutil.copytree(prepared, root)
        is_over = pack_until(root, step)
        shutil.rmtree(root / "index")
        assert (answers_of(root), read_kept(root, run, names)) == (before, kept), f"killed before step {step}"
        shutil.rmtree(root)


_KEEP_PACKING = """
    import sys
    from pathlib import Path
    from everbloom.core.errors import Unavailable
    from everbloom.ingest.closed import pack_closed_runs
    root, packed = Path(sys.argv[1]), 0
    while not (root / "enough").exists():
        try:
            packed += len(pack_closed_runs(root, is_forced=True).packed)
        except Unavailable as error:  # the index is being made, or somebody looks
            assert error.code.startswith("index."), error
    print(packed)
"""

# Goes on when the pack is being written, and when it has just got its place and what it holds is being removed.
_KEEP_RESUMING = """
    import hashlib, os, sys, time
    from pathlib import Path
    import everbloom as eb

    def measure(path):
        return path.stat().st_size if path.exists() else 0  # a pack only grows

    def wait_for_packer(run_id, attempt, packed):
        path = Path(os.environ["EVERBLOOM_ROOT"], "packs", run_id[-2:], f"{run_id}.pack")
        deadline = time.monotonic() + 60
        while measure(path) == packed and not (attempt % 2 and any(path.parent.glob("*.part"))):
            assert time.monotonic() < deadline, "nobody packed"
        return measure(path)

    run_id, packed = None, 0
    for attempt in range(25):
        with eb.init(project="p", resume=run_id) as run:
            run_id = run.id
            for text in ("the same each time ", f"{attempt} "):
                text *= 9000 // len(text) + 1
                run.log({"loss": 1.0 / (attempt + 1), "words": eb.Text(text)})
                print(run_id, hashlib.sha256(text.encode()).hexdigest(), flush=True)
        packed = wait_for_packer(run_id, attempt, packed)
"""


def test_a_run_resumed_while_it_is_being_packed_keeps_every_content_at_every_moment(tmp_path: Path) -> None:
    packer = start_script(tmp_path, _KEEP_PACKING, arguments=(str(tmp_path),))
    training = start_script(tmp_path, _KEEP_RESUMING)
    names: list[str] = []
    run = RunId("")
    try:
        assert training.stdout is not None
        for line in training.stdout:
            run, name = RunId(line.split()[0]), line.split()[1]
            names.append(name)
            for known in {names[0], *names[-4:]}:
                assert hashlib.sha256(read_blob(tmp_path, run, known)).hexdigest() == known
    finally:
        (tmp_path / "enough").touch()
        training_error, (packed, packer_error) = training.communicate()[1], packer.communicate()
    assert (training.returncode, packer.returncode) == (0, 0), f"{training_error}\n{packer_error}"
    assert len(names) == 50
    assert int(packed) > 10
    pack_closed_runs(tmp_path, is_forced=True)
    assert not layout.run_dir(tmp_path, run).exists()
    read_kept(tmp_path, run, names)
    with open_reader(store_settings(tmp_path)) as reader:
        assert len(reader.list_media(run)) == len(reader.read_series(run, "loss")) == 50


_PACK_ONCE = """
    import sys
    from pathlib import Path
    from everbloom.ingest.closed import pack_closed_runs
    print(len(pack_closed_runs(Path(sys.argv[1]), is_forced=True).packed))
"""


def test_an_index_rebuilt_while_runs_are_packed_answers_as_before(tmp_path: Path) -> None:
    for seed in range(10):
        write_journals(tmp_path, seed, rows=9000 if seed % 5 == 0 else 60, blobs=2)
    before = answers_of(tmp_path)
    packer = start_script(tmp_path, _PACK_ONCE, arguments=(str(tmp_path),))
    rebuilt = 0
    while packer.poll() is None:
        assert reindex(tmp_path).refused == {}
        rebuilt += 1
    packed, error = packer.communicate()
    assert (packed.strip(), error) == ("10", "")
    assert rebuilt
    assert answers_of(tmp_path) == before
