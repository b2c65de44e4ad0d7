"""What every benchmark shares: interleaved timing, and rows that say what was promised and whether it holds.

Absolute times differ by machine, so a promise is a ratio against a floor measured in the same run. Contenders
take turns, so that a busy moment hits all of them, and the best of several rounds counts: the rest is noise.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One promise, measured.

    Attributes:
        name: What was measured.
        measured: The value, in `unit`.
        unit: Of `measured` and `floor`.
        floor: What it is held against, measured in the same run; None if the promise is absolute.
        promise: The limit: on measured / floor if there is a floor, else on `measured`.
        at_least: Whether the limit is a lower one.
        note: What the numbers do not say.
    """

    name: str
    measured: float
    unit: str
    promise: float | None = None
    floor: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return measured / floor, or None without a floor."""
        return self.measured / self.floor if self.floor else None

    @property
    def holds(self) -> bool | None:
        """Tell whether the promise holds; None where there is none."""
        if self.promise is None:
            return None
        value = self.measured if self.ratio is None else self.ratio
        return value >= self.promise if self.at_least else value <= self.promise


def best_of(
    rounds: int, contenders: Mapping[str, Callable[[], object]], *, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Run each contender once a round, in turns, and return the seconds of its best round."""
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, run in contenders.items():
            gc.collect()
            gc.disable()
            started = clock()
            run()
            best[name] = min(best[name], clock() - started)
            gc.enable()
    return best


@contextmanager
def temporary_root() -> Iterator[Path]:
    """Yield an empty folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="everbloom-bench-") as folder:
        yield Path(folder)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def report(title: str, rows: list[Row]) -> int:
    """Print rows as a table, or as JSON with `--json`; returns 1 if a promise is broken, for `sys.exit`."""
    if "--json" in sys.argv:
        print(json.dumps([asdict(row) | {"ratio": row.ratio, "holds": row.holds} for row in rows], indent=2))
    else:
        _print_table(title, rows)
    return int(any(row.holds is False for row in rows))


def _print_table(title: str, rows: list[Row]) -> None:
    heads = ("name", "measured", "floor", "ratio", "promise", "holds")
    lines = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    print(title)
    for line in lines:
        cells = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip())
    for row in rows:
        if row.note:
            print(f"  {row.name}: {row.note}")


def _cells(row: Row) -> tuple[str, ...]:
    sign = "≥" if row.at_least else "≤"
    limit = "" if row.promise is None else f"{sign} {row.promise:g}{'' if row.floor else ' ' + row.unit}"
    return (
        row.name,
        f"{row.measured:.3g} {row.unit}" if row.measured < 1000 else f"{row.measured:,.0f} {row.unit}",
        "" if row.floor is None else f"{row.floor:.3g} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.3f}",
        limit,
        {True: "yes", False: "NO", None: ""}[row.holds],
    )
