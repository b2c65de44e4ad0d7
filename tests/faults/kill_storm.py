"""Kill a thousand training processes at random moments and look for what is lost: `make faults`, about 3 minutes.

    python tests/faults/kill_storm.py [KILLS] [SEED]

Each process logs as fast as it can, counting the calls that returned in a page that outlives it; SIGKILL comes
after 5 to 300 ms, four processes at a time. Every call that returned must stand in its journal, in order and
whole. Prints one line and exits with 1 if anything was lost.
"""

import random
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from everbloom.testing.recorded import kill_while_logging, read_recorded


def storm(kills: int, seed: int) -> int:
    """Return how many calls that returned are missing, over all kills."""
    rng = random.Random(seed)
    delays_s = [rng.uniform(0.005, 0.3) for _ in range(kills)]
    with ProcessPoolExecutor(4) as pool:  # reading back takes longer than the kills, and more than one core
        found = list(pool.map(_kill_one, delays_s))
    calls = sum(returned for returned, _ in found)
    lost = sum(missing for _, missing in found)
    print(f"{kills} kills, {calls} calls that returned, {lost} lost, seed {seed}")
    return lost


def _kill_one(delay_s: float) -> tuple[int, int]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        returned = kill_while_logging(root, Path(folder) / "counter", delay_s)
        recorded = read_recorded(root)
        kept = 0
        for expected, (step, values) in enumerate(recorded.rows):
            if step != expected or values != {"a": step * 0.5, "b": float(step)}:
                break
            kept += 1
        return returned, max(0, returned - kept)


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(1 if storm(*(arguments + [1000, 0][len(arguments) :])) else 0)
