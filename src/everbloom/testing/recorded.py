"""Read back what a run recorded, straight from its journals: the SDK's tests need no index to be right.

Also starts training scripts as processes of their own, because what matters most about recording (kills, forks,
what is printed) cannot be tried within the test's process.
"""

import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from everbloom.capture.death import is_dead
from everbloom.core import layout
from everbloom.core.clock import monotonic_s, now_us
from everbloom.core.ids import RunId
from everbloom.core.records import Console, End, Record, Start
from everbloom.journal.reader import iter_batches

_R = TypeVar("_R", bound=Record)
_T = TypeVar("_T")
PATIENCE_S = 30.0


@dataclass
class RecordedJournal:
    """One writer's journal.

    Attributes:
        start: Its first record.
        rows: (step, values) in the order they were written.
        times: Each row's time in microseconds.
        records: Its control records, the first aside.
        damage: How many pieces could not be trusted.
        is_closed: Whether its writer closed it.
    """

    start: Start | None = None
    rows: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    damage: int = 0
    is_closed: bool = False


@dataclass
class RecordedRun:
    """All journals of a run, the watcher's last."""

    journals: list[RecordedJournal]

    @property
    def rows(self) -> list[tuple[int, dict[str, float]]]:
        """Rows of all writers but watchers."""
        return [row for j in self.journals if j.start and j.start.kind != "watcher" for row in j.rows]

    def values(self, metric: str) -> list[tuple[int, float]]:
        """Return (step, value) of a metric in the order written, all writers one after the other."""
        return [(step, row[metric]) for j in self.journals for step, row in j.rows if metric in row]

    def records(self, kind: type[_R]) -> list[_R]:
        """Return the records of a type, all writers one after the other."""
        return [record for j in self.journals for record in j.records if isinstance(record, kind)]

    def console(self, stream: str | None = None) -> str:
        """Return the recorded console text."""
        return "".join(r.text for r in self.records(Console) if stream is None or r.stream == stream)

    @property
    def fields(self) -> dict[str, Any]:
        """What was set, the last value of each field."""
        from everbloom.core.records import Set

        return {name: value for record in self.records(Set) for name, value in record.fields.items()}

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, the last value of each."""
        from everbloom.core.records import Params

        return {name: value for record in self.records(Params) for name, value in record.values.items()}

    @property
    def end(self) -> End | None:
        """The end that counts: an explicit one, else the last."""
        ends = self.records(End)
        return next((end for end in ends if end.explicit), ends[-1] if ends else None)

    def of_kind(self, kind: str) -> list[RecordedJournal]:
        """Return the journals of a kind of writer."""
        return [j for j in self.journals if j.start is not None and j.start.kind == kind]


def list_runs(root: Path) -> list[RunId]:
    """Return the ids of the runs in a store, oldest first."""
    runs = root / "runs"
    return [RunId(path.name) for path in sorted(runs.iterdir())] if runs.is_dir() else []


def read_recorded(root: Path, run: str | None = None) -> RecordedRun:
    """Read a run's journals; without an id, those of the store's only run."""
    if run is None:
        (run,) = list_runs(root)
    folder = layout.run_dir(root, RunId(run)) / "journal"
    journals = [_read_journal(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []
    return RecordedRun(sorted(journals, key=lambda j: j.start is None or j.start.kind == "watcher"))


def _read_journal(folder: Path) -> RecordedJournal:
    journal = RecordedJournal()
    ordered: list[tuple[int, int, int, dict[str, float]]] = []
    for batch in iter_batches(folder, now_us=now_us()):
        for rows in batch.rows:
            for ordinal, step, time_us, values in zip(
                rows.ordinals.tolist(), rows.steps.tolist(), rows.times.tolist(), rows.values.tolist(), strict=True
            ):
                ordered.append((ordinal, step, time_us, dict(zip(rows.names, values, strict=True))))
        for control in batch.controls:
            if isinstance(control.record, Start) and journal.start is None:
                journal.start = control.record
            else:
                journal.records.append(control.record)
        journal.damage += len(batch.damage)
        journal.is_closed = batch.is_closed
    for _, step, time_us, values in sorted(ordered, key=lambda row: row[0]):
        journal.rows.append((step, values))
        journal.times.append(time_us)
    return journal


def wait_until(condition: Callable[[], _T | None], what: str) -> _T:
    """Return a condition's first true answer.

    Raises:
        AssertionError: It did not come within 30 s; says what was waited for.
    """
    deadline_s = monotonic_s() + PATIENCE_S
    while True:
        if answer := condition():
            return answer
        if monotonic_s() > deadline_s:
            raise AssertionError(f"waited {PATIENCE_S:.0f} s in vain for {what}")
        select.select([], [], [], 0.01)


def script_environment(root: Path, **variables: str) -> dict[str, str]:
    """Return the environment for a training script that records into a store; nothing captured unless asked."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVERBLOOM_")}
    return (
        kept
        | {
            "EVERBLOOM_ROOT": str(root),
            "EVERBLOOM_STRICT": "1",
            "EVERBLOOM_TIDY": "0",  # a test looks at what training and its watcher left
            "EVERBLOOM_CAPTURE": "none",
            "PYTHONUNBUFFERED": "1",
        }
        | variables
    )


def start_script(
    root: Path,
    code: str,
    *,
    arguments: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> "subprocess.Popen[Any]":
    """Start a training script; its output comes through pipes unless `options` says otherwise."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=script_environment(root, **(variables or {})),
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options),
    )


def run_script(root: Path, code: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a training script to its end and return how it went."""
    process = start_script(root, code, **options)
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for_watchers(root: Path, run: str | None = None) -> RecordedRun:
    """Read a run when all its watchers have closed their journals."""

    def closed() -> RecordedRun | None:
        recorded = read_recorded(root, run)
        watchers = recorded.of_kind("watcher")
        return recorded if watchers and all(j.is_closed for j in watchers) else None

    return wait_until(closed, "the watcher to finish")


def kill_and_wait(pid: int) -> None:
    """Kill a process that is no child of this one, and return when it is dead: a signal sent has not yet arrived.

    Raises:
        AssertionError: It still lives after 30 s.
    """
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        assert is_dead(handle, PATIENCE_S), f"process {pid} still lives {PATIENCE_S:.0f} s after SIGKILL"
    finally:
        os.close(handle)


# Each call that returned is counted in a page that outlives the process.
_LOGS_UNTIL_KILLED = """
    import mmap, os, sys
    import everbloom as eb
    with open(sys.argv[1], "r+b") as file:
        count = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
    run = eb.init(params={"lr": 0.1})
    os.write(1, b"!")
    step = 0
    while True:
        run.log({"a": step * 0.5, "b": step}, step=step)
        step += 1
        count[0] = step
"""


def kill_while_logging(root: Path, counter: Path, delay_s: float) -> int:
    """Start a process that logs as fast as it can, and kill it; returns how many of its calls had returned.

    Args:
        root: The store; each row is `{"a": step * 0.5, "b": step}`, steps from 0.
        counter: A file that the process counts in.
        delay_s: When the SIGKILL comes, after the first call.
    """
    counter.write_bytes(bytes(8))
    process = start_script(root, _LOGS_UNTIL_KILLED, arguments=(str(counter),))
    assert process.stdout is not None
    process.stdout.read(1)
    select.select([], [], [], delay_s)
    process.kill()
    process.communicate()
    return int.from_bytes(counter.read_bytes(), "little")
