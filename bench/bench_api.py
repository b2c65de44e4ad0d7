"""What a page waits for: requests answered by the server on a store of very many runs, the framework included.

Asked in the process itself, so that the network's share is left out; the floor is the same question asked of the reader
directly. The number of runs may be given as the first argument.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from everbloom.core.settings import Settings
from everbloom.index.store import open_index
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.many_runs import index_many
from everbloom.testing.served import Client, open_client
from everbloom.testing.stores import RunSpec, record_run
from harness import Row, report, temporary_root

COLUMNS = 200
PAGE_MS = 50.0
SHOWN = "params.p01,params.p02,params.optimizer,metrics.val/acc.max,metrics.val/loss.min,metrics.train/loss"


def main() -> int:
    """Measure, print, and tell whether the promises hold."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    count = numbers[0] if numbers else 100_000
    with temporary_root() as root:
        with open_index(root, None) as index:
            index_many(index, count, keys=COLUMNS)
        rows = list(measure(root, count))
    return report(f"REST over {count:,} runs × {COLUMNS} columns", rows)


def measure(root: Path, count: int) -> Iterator[Row]:
    """Yield one row a promise."""
    with open_client(root) as client:
        first_ms = time_ms(lambda: ask(client, "/runs", limit=100, cols=SHOWN))
        yield Row("first window after the start, nothing read yet", first_ms, "ms")
        pages = [time_ms(lambda query=query: ask(client, "/runs", **query)) for query in iter_queries(120)]
        with open_reader(Settings(root=root), catch_up=False) as reader:
            reader.list_runs(RunQuery())
            floor = [
                time_ms(
                    lambda query=query: reader.list_runs(
                        RunQuery(query["f"], project="bench", sort=query["sort"], offset=query["offset"])
                    )
                )
                for query in iter_queries(120)
            ]
        yield Row("window of 100 rows, p95", float(np.percentile(pages, 95)), "ms", PAGE_MS)
        yield Row(
            "window of 100 rows, median", float(np.median(pages)), "ms", note=f"reader alone {np.median(floor):.1f} ms"
        )
        yield Row("window again, unchanged (304)", time_304_ms(client), "ms")
        yield Row("catalogue of columns", best_ms(lambda: ask(client, "/runs/columns", project="bench")), "ms")
        yield Row("facet of states", best_ms(lambda: ask(client, "/runs/facets", key="state")), "ms")
        yield Row("best per metric", best_ms(lambda: ask(client, "/runs/best", project="bench")), "ms")
        yield Row("completion", best_ms(lambda: ask(client, "/complete", text="params.p0", project="bench")), "ms")
        yield Row("projects", best_ms(lambda: ask(client, "/projects")), "ms")
        ids = [row["id"] for row in ask(client, "/runs", limit=1000)["rows"]]
        yield Row("compare 1,000 runs", best_ms(lambda: post(client, "/compare", {"runs": ids})), "ms", 1000.0)
        yield from measure_live(client, root)


def measure_live(client: Client, root: Path) -> Iterator[Row]:
    """Yield what changes and curves cost, on a run that was really recorded."""
    run = record_run(root, RunSpec(metrics={"loss": np.random.default_rng(0).random(20_000).tolist()}))
    body = {"series": [{"run": run, "metric": "loss"}], "columns": 1200, "smoothing": 0.9}
    yield Row("a curve of 20,000 points, smoothed", best_ms(lambda: post(client, "/series", body)), "ms")
    tags = iter(range(1000))

    def edit() -> None:
        answer = client.patch(f"/api/v1/runs/{run}", json={"edits": [{"kind": "tag", "add": [f"t{next(tags)}"]}]})
        assert answer.status_code == 200, answer.text

    yield Row("an edit, read back", best_ms(edit), "ms")


def iter_queries(count: int) -> Iterator[dict[str, object]]:
    """Yield different questions for a window, as somebody who sorts, filters and scrolls asks them."""
    rng = np.random.default_rng(1)
    sorts = ("-created", "-metrics.val/acc.max", "params.p03", "metrics.val/loss.min,-created", "name")
    filters = (
        "",
        "params.p05 < {0:.3f}",
        "metrics.val/acc.max > {0:.3f} and params.optimizer = adam",
        "state = failed",
    )
    for number in range(count):
        f = filters[number % len(filters)].format(rng.random())
        offset = int(rng.integers(0, 5000)) if number % 3 else 0
        sort = sorts[number % len(sorts)]
        yield {"f": f, "sort": sort, "offset": offset, "limit": 100, "cols": SHOWN, "project": "bench"}


def ask(client: Client, path: str, **params: object) -> dict:
    """Return an answer's content."""
    answer = client.get(f"/api/v1{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client: Client, path: str, body: dict) -> None:
    """Ask with a body."""
    answer = client.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 200, answer.text


def time_304_ms(client: Client) -> float:
    """Return how long it takes to hear that nothing changed."""
    tag = client.get("/api/v1/runs").headers["etag"]
    return best_ms(lambda: client.get("/api/v1/runs", headers={"if-none-match": tag}))


def time_ms(act: Callable[[], object]) -> float:
    """Return the milliseconds of one call."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def best_ms(act: Callable[[], object], rounds: int = 5) -> float:
    """Return the milliseconds of the best of several calls."""
    return min(time_ms(act) for _ in range(rounds))


if __name__ == "__main__":
    sys.exit(main())
