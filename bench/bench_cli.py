"""CPU seconds of the command line, process cold, on an index of many runs, against the promise and bare Python.

Run as `python bench/bench_cli.py [--runs 100000] [--root FOLDER]`; a root that holds an index already is used as it is,
so that one index serves many measurements. Each number is the median of several processes, user and system time of
the process and its children, the console script included.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

REPEATS = 5
PROMISE_S = 0.5
HELP_FLOORS = 8.0
REAL_RUNS = 20


def measure_cpu_s(command: Sequence[str], environment: dict[str, str], *, repeats: int = REPEATS) -> float:
    """Return the median CPU seconds of a command, and check that it succeeds."""
    return statistics.median(_run_once(command, environment) for _ in range(repeats))


def _run_once(command: Sequence[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {done.returncode}: {done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def list_commands(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the promised commands by name, with arguments that make each do its usual work."""
    one, other = names[0], names[1]
    return {
        "ls": ["ls"],
        "ls filtered": ["ls", "params.lr < 0.01 and metrics.val/acc.max > 0.5", "-s", "-metrics.val/acc.max"],
        "ls --json": ["ls", "--json"],
        "show": ["show", one],
        "best": ["best"],
        "compare": ["compare", one, other],
        "tree": ["tree"],
        "logs": ["logs", one],
        "search": ["search", "baseline"],
        "note": ["note", one, "a thought"],
        "tag": ["tag", one, "+probe"],
        "like": ["like", one],
        "conclude": ["conclude", one, "it holds", "--verdict", "supported"],
        "archive": ["archive", other],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--root", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = options.root or Path(folder)
        ensure_store(root, options.runs)
        environment = {**os.environ, "EVERBLOOM_ROOT": str(root)}
        script = str(Path(sys.executable).with_name("everbloom"))
        floor_s = measure_cpu_s([sys.executable, "-c", "pass"], environment, repeats=15)
        print(f"{'bare python':<14} {floor_s:7.3f} s")
        help_s = measure_cpu_s([script, "--help"], environment, repeats=15)
        verdict = "kept" if help_s <= HELP_FLOORS * floor_s else "BROKEN"
        print(
            f"{'--help':<14} {help_s:7.3f} s  {help_s / floor_s:5.1f} x floor  promise {HELP_FLOORS:.0f} x  {verdict}"
        )
        names = subprocess.check_output(
            [script, "ls", "-n", "2", "--columns", "id"], env=environment, text=True
        ).split()
        for name, arguments in list_commands(names[1:3]).items():
            cpu_s = measure_cpu_s([script, *arguments], environment)
            verdict = "kept" if cpu_s < PROMISE_S else "BROKEN"
            print(f"{name:<14} {cpu_s:7.3f} s  {cpu_s / floor_s:5.1f} x floor  promise {PROMISE_S} s  {verdict}")


def ensure_store(root: Path, runs: int) -> None:
    """Build an index of so many runs, a few of them with real journals, curves and console, unless there is one."""
    from everbloom.core.clock import now_us
    from everbloom.index.store import open_index
    from everbloom.testing.many_runs import index_many
    from everbloom.testing.stores import RunSpec, record_run

    if (root / "index").exists():
        return
    index = open_index(root, None)
    index_many(index, runs)
    index.close()
    parent = None
    for number in range(REAL_RUNS):
        curve = [1 / (step + number + 1) for step in range(1000)]
        parent = record_run(
            root,
            RunSpec(
                fields={"project": "bench", "experiment": "real", "parent": parent},
                params={"lr": 0.1 / (number + 1), "depth": number},
                tags=["baseline"] if not number else [],
                metrics={"val/loss": curve, "val/acc": [1 - value for value in curve], "lr": curve},
                console="".join(f"step {step} of 1000\n" for step in range(1000)),
            ),
            created_us=now_us() - 3_600_000_000 + number,
        )


if __name__ == "__main__":
    main()
