"""What recording costs the one who trains: `log()`, a whole script, all processes together, and what a kill costs.

The floor of `log()` is what people write by hand: one JSON line and a flush. The floor of a script is bare Python.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import Row, best_of, report, temporary_root

CALLS = 100_000
KILLS = 40
PR_SET_CHILD_SUBREAPER = 36

ONE = {"train/loss": 0.12345}
TEN = {f"train/metric_{i}": 0.12345 * i for i in range(10)}


class JsonLines:
    """The floor: a line of JSON a call, flushed."""

    def __init__(self, path: Path, values: dict[str, float]) -> None:
        self._file = path.open("w")
        self._values = values

    def __call__(self) -> None:
        write, flush, dumps, clock, values = self._file.write, self._file.flush, json.dumps, time.time, self._values
        for step in range(CALLS):
            write(dumps({"step": step, "time": clock(), **values}) + "\n")
            flush()


def measure_log(root: Path) -> list[Row]:
    import numpy as np

    import everbloom as eb

    os.environ["EVERBLOOM_ROOT"] = str(root)
    os.environ["EVERBLOOM_TIDY"] = "0"  # recording is measured, not the indexing that a look would do else
    slow_one = {name: np.float32(value) for name, value in ONE.items()}
    slow_ten = {name: np.float32(value) for name, value in TEN.items()}
    with eb.init(project="bench") as run:

        def logging(values: dict[str, object]) -> object:
            def call() -> None:
                log = run.log
                for _ in range(CALLS):
                    log(values)

            return call

        contenders = {
            "json 1": JsonLines(root / "one.jsonl", ONE),
            "log 1": logging(ONE),
            "slow 1": logging(slow_one),
            "json 10": JsonLines(root / "ten.jsonl", TEN),
            "log 10": logging(TEN),
            "slow 10": logging(slow_ten),
        }
        best = {name: seconds / CALLS * 1e6 for name, seconds in best_of(5, contenders).items()}
    return [
        Row("log() of 1 value", best["log 1"], "µs", 0.25, best["json 1"]),
        Row("log() of 10 values in one call", best["log 10"], "µs", 0.2, best["json 10"]),
        Row("log() of 1 NumPy value", best["slow 1"], "µs", None, best["json 1"]),
        Row("log() of 10 NumPy values in one call", best["slow 10"], "µs", None, best["json 10"]),
    ]


_MILLION = """
import sys, everbloom as eb
calls = int(sys.argv[1])
with eb.init(project="bench") as run:
    for step in range(calls):
        run.log({"train/loss": 0.12345})
"""
_MILLION_JSON = """
import json, sys, time
with open(sys.argv[2], "w") as file:
    for step in range(int(sys.argv[1])):
        file.write(json.dumps({"step": step, "time": time.time(), "train/loss": 0.12345}) + "\\n")
        file.flush()
"""


def cpu_of(arguments: list[str], root: Path) -> float:
    """Return the CPU seconds of a Python script and of everything that it left running, waited for to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "EVERBLOOM_ROOT": str(root)}
    subprocess.run([sys.executable, "-c", *arguments], env=environment, check=True)
    while True:  # the watcher, which this process has inherited as a subreaper
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_all_processes(root: Path) -> list[Row]:
    calls = 1_000_000
    floor_start = min(cpu_of([_MILLION_JSON, "0", str(root / "floor.jsonl")], root) for _ in range(3))
    floor = (cpu_of([_MILLION_JSON, str(calls), str(root / "floor.jsonl")], root) - floor_start) / calls * 1e6
    start = min(cpu_of([_MILLION, "0"], root) for _ in range(3))
    ours = (cpu_of([_MILLION, str(calls)], root) - start) / calls * 1e6
    return [
        Row("CPU of all processes a call, 1 value, 1 M calls", ours, "µs", 0.5, floor),
        Row("CPU of all processes, fixed start cost", start - floor_start, "s", 1.5),
    ]


_ONCE = "import everbloom as eb\nwith eb.init(project='bench') as run:\n    run.log({'loss': 1.0})\n"
_ONCE_JSON = (
    "import json, sys, time\nwith open(sys.argv[1], 'w') as file:\n    file.write(json.dumps({'step': 0, "
    "'time': time.time(), 'loss': 1.0}) + '\\n')\n"
)
_INIT = (
    "import time, everbloom as eb\neb.init\nstart = time.perf_counter()\nrun = eb.init(project='bench')\n"
    "print(time.perf_counter() - start)\n"
)
_IMPORT = (
    "import time\nstart = time.perf_counter()\nimport everbloom as eb\neb.init\nprint(time.perf_counter() - start)\n"
)


def measure_script(root: Path) -> list[Row]:
    environment = {**os.environ, "EVERBLOOM_ROOT": str(root)}

    def run(*arguments: str) -> object:
        return lambda: subprocess.run([sys.executable, "-c", *arguments], env=environment, check=True)

    def printed(script: str) -> float:
        answers = [
            float(
                subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True).stdout
            )
            for _ in range(7)
        ]
        return min(answers) * 1e3

    best = best_of(9, {"once": run(_ONCE), "floor": run(_ONCE_JSON, str(root / "once.jsonl"))})
    return [
        Row("script that logs once", best["once"], "s", 0.3),
        Row("script that logs once, against bare Python", best["once"], "s", 6, best["floor"]),
        Row("import everbloom with the SDK", printed(_IMPORT), "ms", 60),
        Row("init()", printed(_INIT), "ms", 100),
    ]


_VICTIM = """
import os, sys, everbloom as eb
run = eb.init(project="bench")
step = 0
while True:
    run.log({"loss": 1.0})
    step += 1
    os.write(3, step.to_bytes(8, "little"))
"""


def measure_kills(root: Path) -> list[Row]:
    """Kill a script that logs at random moments; count calls that returned and are not in its journal."""
    import random

    from everbloom.core.clock import now_us
    from everbloom.core.ids import RunId
    from everbloom.core.layout import journal_dir
    from everbloom.journal.reader import iter_batches
    from everbloom.journal.registry import iter_active

    rng = random.Random(0)
    returned = kept = 0
    for number in range(KILLS):
        place = root / f"kill-{number}"
        reader, writer = os.pipe()
        process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" -c "$1" 3>&{writer}', sys.executable, _VICTIM],
            env={**os.environ, "EVERBLOOM_ROOT": str(place)},
            pass_fds=(writer,),
        )
        os.close(writer)
        last = os.read(reader, 8)  # it logs by now
        deadline = time.monotonic() + rng.uniform(0.005, 0.3)
        while time.monotonic() < deadline:
            last = os.read(reader, 65536)[-8:] or last
        process.send_signal(signal.SIGKILL)
        while data := os.read(reader, 65536):
            last = data[-8:]
        os.close(reader)
        process.wait()
        returned += int.from_bytes(last, "little")
        journals = [journal_dir(place, RunId(run), who) for run, who in iter_active(place)]
        rows = [batch.rows for journal in journals for batch in iter_batches(journal, now_us=now_us())]
        kept += sum(len(group.steps) for groups in rows for group in groups if group.names == ("loss",))
    lost = max(0, returned - kept)
    note = f"{returned:,} calls returned in {KILLS} killed scripts; `make faults` kills 1,000"
    return [Row("calls lost after SIGKILL", lost, "calls", 0, note=note)]


def measure_packages() -> list[Row]:
    """Count what the client needs, with its own code, by the files of the installed distributions."""
    from importlib.metadata import distribution

    names = ["msgspec", "xxhash", "psutil", "click"]
    size = sum(
        Path(str(file.locate())).stat().st_size
        for name in names
        for file in distribution(name).files or ()
        if Path(str(file.locate())).is_file()
    )
    import everbloom

    own = [p for p in Path(everbloom.__file__).parent.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    size += sum(path.stat().st_size for path in own)
    return [
        Row("packages of the client, itself included", len(names) + 1, "packages", 5),
        Row("size of the client with its packages", size / 1e6, "MB", 10),
    ]


def main() -> int:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with temporary_root() as root:
        rows = [
            *measure_log(root),
            *measure_all_processes(root),
            *measure_script(root),
            *measure_kills(root),
            *measure_packages(),
        ]
        while True:  # watchers of the killed scripts write into the folder until they end
            try:
                os.wait()
            except ChildProcessError:
                break
    return report("Recording", rows)


if __name__ == "__main__":
    sys.exit(main())
