"""A store that is full, read-only, missing or deleted: a clear error or a line, and training goes on."""

import contextlib
import os
import shutil
import subprocess

import pytest

from everbloom.capture.death import is_dead
from everbloom.core.records import Console, Params, Problem, Tag
from everbloom.testing.recorded import (
    PATIENCE_S,
    read_recorded,
    run_script,
    start_script,
    wait_for_watchers,
    wait_until,
)

pytestmark = pytest.mark.fault

LENIENT = {"EVERBLOOM_STRICT": "0"}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MiB, where this machine lets us mount one; else a private one is refused by name."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        yield from quota_folder(tmp_path)
        return
    yield place, None
    subprocess.run(["umount", "-l", str(place)], check=True)


def quota_folder(tmp_path):
    # Without root: the process may not make any file longer than 1 MiB, which fails allocation alike.
    yield tmp_path / "disk", 1024 * 1024


def fill(place):
    file = os.open(place / "filler", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(file, b"x" * 4096)
    os.close(file)


FULL_LATER = """
    import resource, sys
    import everbloom as eb
    limit = int(sys.argv[1])
    run = eb.init(params={"lr": 1})
    run.log({"x": -1.0})
    print("ready", flush=True)
    sys.stdin.readline()
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for step in range(40_000):
        run.log({"x": step, "y": 2.0 * step}, step=step)
        if step % 100 == 0:
            run.tag(f"tag {step}")
    print("full", flush=True)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    step = 40_000
    while sys.stdin.readline() == "more\\n":
        for step in range(step, step + 1_000):
            run.log({"x": step, "y": 2.0 * step}, step=step)
    run.finish()
    print("finished", flush=True)
"""


def test_a_disk_that_fills_up_is_told_once_and_recording_goes_on_by_itself(small_disk):
    place, limit = small_disk
    root = place / "store"
    process = start_script(root, FULL_LATER, arguments=(str(limit or 0),), variables=LENIENT, stdin=-1)
    assert process.stdout.readline() == "ready\n"
    if limit is None:
        fill(place)
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "full\n"
    (place / "filler").unlink(missing_ok=True)

    def has_recovered():
        # Space is asked for at intervals; each line lets training go on a little.
        process.stdin.write("more\n")
        process.stdin.flush()
        return "tag 39900" in [tag for record in read_recorded(root).records(Tag) for tag in record.add]

    wait_until(has_recovered, "recording to go on")
    _, err = process.communicate("enough\n")
    assert process.returncode == 0
    code = "disk.full" if limit is None else "process.file_limit"
    assert len([line for line in err.splitlines() if code in line]) == 1
    recorded = read_recorded(root)
    steps = [step for step, row in recorded.rows if "y" in row]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert steps[-1] > 40_000
    tags = [tag for record in recorded.records(Tag) for tag in record.add]
    assert tags == [f"tag {step}" for step in range(0, 40_000, 100)]
    dropped = sum(p.count for p in recorded.records(Problem) if p.code == code)
    assert dropped > 0
    assert recorded.end.state == "finished"


def test_a_disk_that_is_full_from_the_start_does_not_keep_training_from_beginning(small_disk):
    place, limit = small_disk
    if limit is None:
        fill(place)
    code = f"""
        import resource
        import everbloom as eb
        if {limit or 0}:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        with eb.init(params={{"lr": 1}}) as run:
            for step in range(1000):
                run.log({{"x": 1.0}})
            print("trained")
    """
    process = run_script(place / "store", code, variables=LENIENT)
    assert process.stdout == "trained\n"
    assert process.returncode == 0
    assert "disk is full" in process.stderr or "may not grow" in process.stderr


BORN_FULL = """
    import os, resource, sys
    import everbloom as eb
    place, limit = sys.argv[1], int(sys.argv[2])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    made = []
    sys.addaudithook(lambda name, what: made.append(what[0]) if name == "os.mkdir" else None)
    with eb.init() as run:
        made.clear()
        for step in range(20_000):
            run.log({"x": 1.0})
        print(len(made) < 10_000)
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            os.unlink(f"{place}/filler")
        while not run._recorder.writer_id:
            run.log({"x": 2.0})
        run.log({"after": 1.0})
"""


def test_a_disk_full_from_the_start_is_hardly_asked_and_recording_begins_when_there_is_space(small_disk):
    place, limit = small_disk
    if limit is None:
        fill(place)
    arguments = (str(place), str(limit or 0))
    process = run_script(place / "store", BORN_FULL, arguments=arguments, variables=LENIENT)
    assert (process.stdout, process.returncode) == ("True\n", 0)
    recorded = read_recorded(place / "store")
    assert len(recorded.values("after")) == 1
    assert recorded.fields["project"] == "default"


def test_a_full_disk_is_told_by_name_in_strict_mode(small_disk):
    place, limit = small_disk
    if limit is not None:
        return
    fill(place)
    process = run_script(place / "store", "import everbloom as eb\neb.init()")
    assert "Unavailable" in process.stderr
    assert "free some space" in process.stderr


def test_printing_goes_on_while_the_disk_is_full(small_disk):
    place, limit = small_disk
    if limit is not None:
        return
    subprocess.run(["mount", "-o", "remount,size=24M", str(place)], check=True)
    code = """
        import sys
        import everbloom as eb
        run = eb.init()
        print("ready", flush=True)
        sys.stdin.readline()
        for n in range(60_000):
            print("x" * 99)
        run.finish()
        sys.stderr.write("finished\\n")
    """
    variables = LENIENT | {"EVERBLOOM_CAPTURE": "watcher,console"}
    process = start_script(place / "store", code, variables=variables, stdin=-1)
    assert process.stdout.readline() == "ready\n"
    wait_until(lambda: read_recorded(place / "store").records(Console), "the watcher")
    fill(place)
    out, err = process.communicate("go\n")
    assert err.splitlines()[-1] == "finished"
    assert process.returncode == 0
    assert out == ("x" * 99 + "\n") * 60_000
    assert err.splitlines()[-1] == "finished"
    (place / "filler").unlink()
    wait_for_watchers(place / "store")


@pytest.mark.parametrize("kind", ["a file", "below a file"])
def test_a_root_that_is_a_file_is_named_by_init(tmp_path, kind):
    (tmp_path / "file").write_text("mine")
    root = tmp_path / "file" if kind == "a file" else tmp_path / "file" / "store"
    process = run_script(root, "import everbloom as eb\neb.init()", variables=LENIENT)
    assert process.returncode == 1
    assert "root.not_a_folder" in process.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_read_only_root_is_named_by_init(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1M,ro", "tmpfs", str(place)]
    if os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0:
        release = ["umount", "-l", str(place)]
    else:
        place.chmod(0o500)
        release = ["chmod", "700", str(place)]
    try:
        process = run_script(place / "store", "import everbloom as eb\neb.init()", variables=LENIENT)
    finally:
        subprocess.run(release, check=True)
    assert process.returncode == 1
    assert "root.read_only" in process.stderr
    assert "EVERBLOOM_ROOT" in process.stderr


def test_a_missing_root_is_made(tmp_path):
    root = tmp_path / "a" / "b" / "store"
    run_script(root, "import everbloom as eb\nwith eb.init() as run: run.log({'x': 1.0})")
    assert read_recorded(root).values("x") == [(0, 1.0)]


@pytest.mark.parametrize("capture", ["none", "watcher,console,resources,command"])
def test_a_root_that_is_deleted_meanwhile_is_told_once_and_training_goes_on(tmp_path, capture):
    code = """
        import sys
        import everbloom as eb
        run = eb.init(params={"lr": 1})
        run.log({"x": 1.0})
        print("ready", flush=True)
        sys.stdin.readline()
        for step in range(100_000):
            run.log({"x": step, "y": 1.0}, step=step)
        run.tag("late")
        run.save(sys.argv[1])
        run.note("x" * 100_000)
        run.checkpoint(sys.argv[1], 5)
        run.finish()
        print("trained")
    """
    (tmp_path / "model").write_text("weights")
    variables = LENIENT | {"EVERBLOOM_CAPTURE": capture}
    arguments = (str(tmp_path / "model"),)
    process = start_script(tmp_path / "store", code, arguments=arguments, variables=variables, stdin=-1)
    assert process.stdout.readline() == "ready\n"
    watcher = None
    if capture != "none":
        (journal,) = wait_until(lambda: read_recorded(tmp_path / "store").of_kind("watcher"), "the watcher's journal")
        watcher = os.pidfd_open(journal.start.pid)
    shutil.rmtree(tmp_path / "store", ignore_errors=True)
    shutil.rmtree(tmp_path / "store", ignore_errors=True)
    out, err = process.communicate("go\n")
    assert out == "trained\n"
    assert process.returncode == 0
    assert len([line for line in err.splitlines() if "root.vanished" in line]) == 1
    if watcher is not None:
        assert is_dead(watcher, PATIENCE_S)
        os.close(watcher)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_process_with_few_open_files_is_told_which_and_none_is_left_open(tmp_path):
    code = """
        import os, resource
        import everbloom as eb
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
        before = len(os.listdir("/proc/self/fd"))
        with eb.init() as run:
            print("printed")
            run.log({"x": 1.0})
        print(len(os.listdir("/proc/self/fd")) - before)
    """
    variables = LENIENT | {"EVERBLOOM_CAPTURE": "watcher,console"}
    process = run_script(tmp_path, code, variables=variables)
    assert (process.stdout, process.returncode) == ("printed\n0\n", 0)
    (told,) = process.stderr.splitlines()
    assert "this process may have 24 open files" in told
    assert "raise `ulimit -n`" in told
    assert "[watcher.not_started]" in told
    assert read_recorded(tmp_path).values("x") == [(0, 1.0)]


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_store_that_is_gone_when_its_run_ends_is_not_made_anew(tmp_path, how):
    code = """
        import os, shutil, sys
        import everbloom as eb
        run = eb.init()
        run.log({"x": 1.0})
        print("ready", flush=True)
        sys.stdin.readline()
        run.finish()
    """
    root = tmp_path / "store"
    variables = LENIENT | {"EVERBLOOM_CAPTURE": "watcher", "EVERBLOOM_TIDY": "1"}
    process = start_script(root, code, variables=variables, stdin=-1)
    assert process.stdout.readline() == "ready\n"
    (journal,) = wait_until(lambda: read_recorded(root).of_kind("watcher"), "the watcher's journal")
    watcher = os.pidfd_open(journal.start.pid)
    root.rename(tmp_path / "elsewhere")
    if how == "deleted":
        shutil.rmtree(tmp_path / "elsewhere")
    process.communicate("go\n")
    assert is_dead(watcher, PATIENCE_S)  # and what it became to tidy up
    os.close(watcher)
    assert not root.exists()


def test_a_broken_settings_file_is_named_by_init(tmp_path):
    (tmp_path / "everbloom.toml").write_text("root = [\n")
    process = run_script(tmp_path / "store", "import everbloom as eb\neb.init()", cwd=tmp_path)
    assert "settings.syntax" in process.stderr
    assert "everbloom.toml" in process.stderr


@pytest.mark.parametrize("clock_ns", [0, 1_000_000_000, 2**62])
def test_a_clock_that_was_never_set_or_jumps_loses_nothing(tmp_path, clock_ns):
    code = f"""
        import time
        real = time.time_ns
        jumped = False
        time.time_ns = lambda: {clock_ns} if jumped else real()
        import everbloom as eb
        with eb.init(params={{"lr": 1}}) as run:
            for step in range(300):
                jumped = 100 <= step < 200
                run.log({{"x": float(step)}}, step=step)
                if step == 150:
                    run.tag("while jumped")
    """
    assert run_script(tmp_path, code).stderr == ""
    recorded = read_recorded(tmp_path)
    assert recorded.values("x") == [(step, float(step)) for step in range(300)]
    assert recorded.records(Params) != []
    assert sum(journal.damage for journal in recorded.journals) == 0
