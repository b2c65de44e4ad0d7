"""What a person feels, in a real browser on a store of very many runs: each number beside its budget.

The store is recorded through real journals, which takes minutes, and kept in the system's temporary folder, named by
its size. The number of runs may be given as the first argument. Medians of nine, no throttling, the system's Chromium
without a GPU; other work on the machine is felt, so what is half as much again over its budget is marked apart.
"""

import gzip
import itertools
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np

from everbloom.core.clock import now_us
from everbloom.core.ids import RunId
from everbloom.core.records import Console
from everbloom.core.settings import Settings
from everbloom.journal.writer import JournalWriter
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.browser import Browser, Tab, find_chromium, open_browser, open_web_app
from everbloom.testing.many_runs import record_curves, record_many
from everbloom.testing.recorded import wait_until
from everbloom.testing.stores import RunSpec, open_run, record_run
from harness import Row, report

COLUMNS = 200
ROUNDS = 9
CONSOLE_BYTES = 1_000_000_000
MARKED_FROM = 1.5
LINE = "epoch {:09} loss 0.123456 acc 0.987654 and further words, so that a line has about a hundred characters\n"


def main() -> int:
    """Measure, print, and tell whether the budgets hold."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    count = numbers[0] if numbers else 100_000
    if find_chromium() is None:
        print("bench_web: no Chromium was found; nothing was measured.")
        return 0
    root = ensure_store(count)
    with open_web_app(root) as link, open_browser() as browser:
        rows = [mark(row) for row in measure(root, link, browser)]
    return report(f"Web app on {count:,} runs × {COLUMNS} columns, medians of {ROUNDS}", rows)


def mark(row: Row) -> Row:
    """Say where a number is far beyond its budget, and not only where the machine was busy."""
    if row.promise is None or row.measured <= MARKED_FROM * row.promise:
        return row
    return replace(row, note=f"{row.note} beyond {MARKED_FROM} times its budget".strip())


# ── the store ─────────────────────────────────────────────────────────────────────────────────────────────────────


def ensure_store(count: int) -> Path:
    """Return a store of that many runs, recorded and indexed if it is not there from the last time."""
    root = Path(tempfile.gettempdir()) / f"everbloom-bench-web-{count}x{COLUMNS}"
    if root.exists():
        index_store(root, count)  # at once, unless an older version of the index is there
        return root
    print(f"Recording {count:,} runs into {root}, once; takes some minutes …", file=sys.stderr)
    partial = root.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    record_many(partial, count, keys=COLUMNS)
    record_curves(partial, 10)
    record_console(partial)
    index_store(partial, count)
    partial.rename(root)
    return root


def index_store(root: Path, count: int) -> None:
    """Bring the index up to the journals."""
    with open_reader(Settings(root=root)) as reader:
        assert reader.list_runs(RunQuery(limit=1, archived=None, everywhere=True)).total == count + 11


def record_console(root: Path) -> None:
    """Record a run that printed a gigabyte."""
    writer = open_run(root, RunSpec(fields={"project": "console", "name": "talker"}, end=None))
    per_record = 600
    for start in range(0, CONSOLE_BYTES // len(LINE.format(0)), per_record):
        writer.append(Console(text="".join(map(LINE.format, range(start, start + per_record)))))
    writer.close()
    record_run(root, RunSpec(), run=writer.run)


def find_runs(root: Path, project: str) -> list[RunId]:
    """Return a project's runs, the newest first."""
    with open_reader(Settings(root=root), catch_up=False) as reader:
        return [run.id for run in reader.list_runs(RunQuery(project=project, limit=10)).runs]


# ── what is measured ──────────────────────────────────────────────────────────────────────────────────────────────


def measure(root: Path, link: str, browser: Browser) -> Iterator[Row]:
    """Yield one row a budget."""
    first = browser.open(link, "/local/bench/runs")
    first.until("counts.rowsAt")
    yield from measure_sizes(first)
    yield from measure_table(first, browser, link)
    yield from measure_server(link)
    first.close()
    yield from measure_compare(browser, link, find_runs(root, "curves"))
    yield from measure_many_charts(root, browser, link, find_runs(root, "curves"))
    yield from measure_console(browser, link, find_runs(root, "console")[0])


def measure_sizes(tab: Tab) -> Iterator[Row]:
    """Yield what the first load weighs: what the page itself names, its styles, its fonts."""
    tab.settle()
    (page,) = [one for one in tab.requests() if one.kind == "document" and one.status == 200]
    home = tab.body(page).decode()
    for name, ending, budget in (("JS", ".js", 75.0), ("CSS", ".css", 12.0)):
        files = [one for one in tab.requests(ending) if one.path in home]
        kilobytes = sum(len(gzip.compress(tab.body(one))) for one in files) / 1000
        yield Row(f"first load, {name}, gz", kilobytes, "kB", budget)
    fonts = sum(one.received for one in tab.requests(".woff2")) / 1000
    yield Row("fonts", fonts, "kB", 60.0)


def measure_table(tab: Tab, browser: Browser, link: str) -> Iterator[Row]:
    """Yield how the table of runs opens, sorts, filters, scrolls and changes its theme."""
    yield Row("rows visible, warm", median(lambda: time_load(browser, link, tab)), "ms", 600.0)
    sorts = iter(["params.p01", "-params.p02", "metrics.val/loss.min", "-metrics.val/acc.max", "params.p03"] * 4)
    yield Row("sort to new rows painted", median(lambda: time_rows(tab, f"?sort={next(sorts)}")), "ms", 120.0)
    asks = iter("?f=" + quote(f"params.p{number:02} < 0.1") for number in range(10, 10 + ROUNDS))
    yield Row("filter to new rows painted", median(lambda: time_rows(tab, next(asks))), "ms", 120.0)
    tab.go("/local/bench/runs")
    tab.until("counts.rowsAt")
    frames = [frame for _ in range(ROUNDS) for frame in tab.evaluate(_SCROLL)]
    yield Row("scroll, a frame, median", statistics.median(frames), "ms", 30.0)
    yield Row("scroll, a frame, p95", float(np.percentile(frames, 95)), "ms", 90.0)
    yield Row("theme switch", median(lambda: tab.evaluate(_SWITCH_THEME)), "ms", 80.0)


def time_load(browser: Browser, link: str, beside: Tab) -> float:
    tab = browser.open(link, "/local/bench/runs", beside=beside)
    taken = float(tab.until("counts.rowsAt"))
    tab.ask("close")
    return taken


def time_rows(tab: Tab, query: str) -> float:
    """Return the milliseconds from another question, asked as a link of the page is, to its rows on screen."""
    return float(tab.evaluate(_ASK.replace("QUERY", query)))


def measure_server(link: str) -> Iterator[Row]:
    """Yield how long the server takes for a window of rows, asked over the network of this machine."""
    rng = np.random.default_rng(1)
    taken = []
    with httpx.Client(base_url=link.partition("/login")[0], trust_env=False, follow_redirects=True) as client:
        client.get(link)
        for number in range(60):
            params = {"project": "bench", "limit": 100, "offset": int(rng.integers(0, 5000)), "sort": "-params.p04"}
            params["f"] = f"params.p{number % 9:02} < {rng.random():.3f}"
            answer = client.get("/api/v1/runs", params=params)
            taken.append(answer.elapsed.total_seconds() * 1000)
    yield Row("server: a window of rows, p95", float(np.percentile(taken, 95)), "ms", 50.0)


def measure_compare(browser: Browser, link: str, runs: list[RunId]) -> Iterator[Row]:
    """Yield how a comparison of six runs opens from the table, and what pointing at it costs."""
    tab = browser.open(link, "/local/curves/runs", height=1000)
    taken = []
    for _ in range(ROUNDS):
        tab.evaluate("sessionStorage.clear()")
        tab.go("/local/curves/runs")
        tab.until("counts.rowsAt")
        for _ in runs[:6]:
            tab.key("j")
            tab.key("x")
        tab.settle()
        taken.append(tab.evaluate(_COMPARE))
    yield Row("open compare, 6 runs, 5 charts", statistics.median(taken), "ms", 250.0)
    tab.settle()
    yield Row("hover, all charts synced", median(lambda: script_ms(tab, lambda: sweep(tab)) / 20), "ms", 8.0)
    tab.close()


def sweep(tab: Tab) -> None:
    """Move the pointer over the first chart, twenty steps."""
    box = tab.matching("slider", "^Cursor of").nth(0).box()
    for place in range(20):
        tab.move(box["x"] + 60 + place * 12, box["y"] + box["height"] / 2)


def measure_many_charts(root: Path, browser: Browser, link: str, runs: list[RunId]) -> Iterator[Row]:
    """Yield what twenty charts of ten lines cost: zoom, live news, memory."""
    tab = browser.open(link, f"/local/curves/compare?runs={','.join(runs)}", width=1600, height=2400)
    tab.until("Object.keys(counts.draws).length >= 20")
    tab.settle()
    yield Row("heap, 20 charts × 10 series", tab.metrics(collect=True)["JSHeapUsedSize"] / 1e6, "MB", 40.0)
    zooms = [time_zoom(tab) for _ in range(ROUNDS)]
    yield Row("zoom 20 × 10, script", statistics.median(script for script, _ in zooms), "ms", 10.0)
    yield Row("zoom 20 × 10, frame", statistics.median(frame for _, frame in zooms), "ms", 33.0)
    yield from measure_live(root, tab, runs[0])
    tab.close()


def time_zoom(tab: Tab) -> tuple[float, float]:
    """Return the milliseconds of script, and until all charts were painted zoomed in or out by a key."""
    painted = []
    script = script_ms(tab, lambda: painted.append(tab.evaluate(_ZOOM)))
    tab.settle()
    return script, painted[0]


def measure_live(root: Path, tab: Tab, run: RunId) -> Iterator[Row]:
    """Yield what news of a run that goes on costs, all of its metrics logged at once."""
    writer = open_run(root, RunSpec(end=None), run=run)
    step = itertools.count(2_000)
    log_more(writer, next(step), tab)
    taken = median(lambda: script_ms(tab, lambda: log_more(writer, next(step), tab)))
    yield Row("live update, 20 charts, script", taken, "ms", 20.0)
    writer.close()
    record_run(root, RunSpec(), run=run)


def log_more(writer: JournalWriter, step: int, tab: Tab) -> None:
    """Log a point of every metric to a run and wait until its charts have been drawn anew."""
    before = len(tab.requests("/api/v1/series"))
    writer.append_row(step, now_us(), {f"m{i:02}": 0.5 for i in range(20)})
    wait_until(lambda: len(tab.requests("/api/v1/series")) >= before + 20, "the charts to ask anew")
    tab.settle()


def measure_console(browser: Browser, link: str, run: RunId) -> Iterator[Row]:
    """Yield how the console of a gigabyte opens, and what of it a page holds."""
    tab = browser.open(link, f"/r/{run}")
    tab.text("lines").wait()
    tab.settle()
    yield Row(
        "console of 1 GB: longest task", max(tab.long_tasks_ms(), default=0.0), "ms", note="no budget; a hang is told"
    )
    lines = float(tab.css("#console li").count())
    yield Row("console of 1 GB: lines on the page", lines, "lines", 500.0)
    received = sum(one.received for one in tab.requests("/console")) / 1000
    yield Row("console of 1 GB: received", received, "kB", 500.0)
    tab.close()


def median(act: Callable[[], float]) -> float:
    """Return the median of nine."""
    return statistics.median(act() for _ in range(ROUNDS))


def script_ms(tab: Tab, act: Callable[[], object]) -> float:
    """Return the milliseconds of script in the page while something was done, by its thread's own clock."""
    before = tab.metrics()["ScriptDuration"]
    act()
    return (tab.metrics()["ScriptDuration"] - before) * 1000


# ── in the page ───────────────────────────────────────────────────────────────────────────────────────────────────

_NEXT_FRAME = "const frame = () => new Promise((done) => requestAnimationFrame(done));"

# A step over the whole height of two screens each frame.
_SCROLL = f"""(async () => {{
    {_NEXT_FRAME}
    const grid = document.querySelector('[role=grid]');
    const taken = [];
    let last = await frame();
    for (let step = 0; step < 40; step += 1) {{
        grid.scrollTop += 1500;
        const now = await frame();
        taken.push(now - last);
        last = now;
    }}
    return taken;
}})()"""

_ASK = f"""(async () => {{
    {_NEXT_FRAME}
    const links = () => [...document.querySelectorAll('[role=grid] [role=row] a')];
    const shown = () => links().slice(0, 5).map((row) => row.href).join();
    const before = shown();
    const started = performance.now();
    const link = Object.assign(document.createElement('a'), {{href: location.pathname + 'QUERY'}});
    document.querySelector('main').append(link);
    link.click();
    link.remove();
    while (shown() === before && performance.now() - started < 10000) await frame();
    await frame();
    return performance.now() - started;
}})()"""

_COMPARE = f"""(async () => {{
    {_NEXT_FRAME}
    counts.draws = {{}};
    const started = performance.now();
    window.dispatchEvent(new KeyboardEvent('keydown', {{key: 'c', bubbles: true}}));
    while (Object.values(counts.draws).filter((drawn) => drawn.base > 0).length < 5) {{
        if (performance.now() - started > 10000) break;
        await frame();
    }}
    await frame();
    return performance.now() - started;
}})()"""

# Until the frame after the one that was drawn: by then the first is on the screen.
_ZOOM = f"""(async () => {{
    {_NEXT_FRAME}
    const chart = document.querySelector('[role=slider]');
    chart.focus();
    await frame();
    const started = performance.now();
    const key = location.search.includes('zoom') ? '-' : '+';
    chart.dispatchEvent(new KeyboardEvent('keydown', {{key, bubbles: true}}));
    await frame();
    await frame();
    return performance.now() - started;
}})()"""

_SWITCH_THEME = f"""(async () => {{
    {_NEXT_FRAME}
    const button = [...document.querySelectorAll('button')].find((one) => /theme$/i.test(one.ariaLabel ?? ''));
    await frame();
    const started = performance.now();
    button.click();
    await frame();
    await frame();
    return performance.now() - started;
}})()"""


if __name__ == "__main__":
    sys.exit(main())
