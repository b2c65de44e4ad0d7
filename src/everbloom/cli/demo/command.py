"""Run the demo's chains two at a time, stop the ones that are to be stopped, then show what there is to see."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from everbloom.cli.demo.plan import Chain, plan_chains
from everbloom.core.clock import monotonic_s
from everbloom.core.errors import Unavailable
from everbloom.core.extras import import_optional
from everbloom.core.settings import Settings, child_environment, load_settings

AT_ONCE = 2
STOP_AFTER_LINES = 14  # a run that is to be stopped has printed so many by then: a curve of more than 500 points
TIMEOUT_S = 900.0
_POLL_S = 0.05


class _Worker:
    """A process that trains one chain, its output going to a file."""

    def __init__(self, chain: Chain, root: Path, log: Path) -> None:
        self.chain = chain
        self._log = log
        environment = child_environment(EVERBLOOM_ROOT=str(root), PYTHONUNBUFFERED="1", OMP_NUM_THREADS="1")
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "everbloom.cli.demo.train"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        if self.process.stdin is not None:
            self.process.stdin.write(msgspec.json.encode(chain))
            self.process.stdin.close()
        self._next_stop_s = 0.0

    @property
    def ending(self) -> str:
        return self.chain[-1].ending

    def lines(self) -> list[str]:
        return self._log.read_text("utf-8", "replace").splitlines()

    def stop_if_due(self) -> None:
        """Send the signal that this chain's last run is to end by, once it has trained a while.

        Again each second, as a person would press Ctrl-C again: what Python raises in a callback of a C library goes
        nowhere.
        """
        signals = {"kill": signal.SIGKILL, "cancel": signal.SIGINT}
        is_due = self.ending in signals and monotonic_s() >= self._next_stop_s
        if is_due and len(self.lines()) >= STOP_AFTER_LINES:
            self.process.send_signal(signals[self.ending])
            self._next_stop_s = monotonic_s() + 1.0

    def check(self) -> None:
        """Raise if the chain ended otherwise than it should."""
        expected = {"finish": (0,), "raise": (1,), "kill": (-signal.SIGKILL,), "cancel": (130, 1, -signal.SIGINT)}
        code = self.process.returncode
        if code not in expected[self.ending]:
            raise Unavailable(
                f"the demo's training of {self.chain[0].why!r} ended with exit code {code}; it printed:\n"
                + "\n".join(self.lines()[-20:]),
                code="demo.failed",
            )


@click.command()
@click.option("--no-ui", is_flag=True, help="Do not go on to the browser at the end.")
@click.option("--root", metavar="FOLDER", help="Record into the store in this folder.")
def demo(*, root: str | None, no_ui: bool) -> None:
    """Train about forty real models on data that ships with scikit-learn, and record them.

    Some do well, some do badly; one fails, one is killed, one is cancelled. Takes a minute or two. On a terminal it
    ends by serving them to the browser, until Ctrl-C.
    """
    settings = load_settings(root=root)
    _check_packages()
    chains = plan_chains()
    total = sum(len(chain) for chain in chains)
    click.echo(f"Training {total} models on scikit-learn's digits, breast-cancer and diabetes data.")
    click.echo(f"Recording into {settings.root}\n")
    start = monotonic_s()
    with _scratch_folder() as scratch:
        _train_all(chains, total, settings.root, scratch, start)
    click.echo(f"\n{total} runs recorded in {monotonic_s() - start:.0f} s.\n")
    _show(settings)
    if not no_ui and sys.stdin.isatty() and sys.stdout.isatty():
        _become_ui(settings)


def _become_ui(settings: Settings) -> None:
    """Go on as `everbloom ui`; a process of its own would leave Ctrl-C to two."""
    click.echo()
    sys.stdout.flush()
    words = [sys.executable, "-m", "everbloom.cli", "ui", "--root", str(settings.root)]
    os.execv(sys.executable, words)


def _check_packages() -> None:
    for module in ("sklearn", "numpy", "litestar"):  # before a minute of training, and not after it
        import_optional(module, purpose="everbloom demo")


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="everbloom-demo-") as folder:
        yield Path(folder)


def _train_all(chains: list[Chain], total: int, root: Path, scratch: Path, start: float) -> None:
    waiting, done = list(enumerate(chains)), 0
    running: list[_Worker] = []
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                number, chain = waiting.pop(0)
                running.append(_Worker(chain, root, scratch / f"{number}.log"))
            time.sleep(_POLL_S)
            for worker in running:
                worker.stop_if_due()
            for worker in [w for w in running if w.process.poll() is not None]:
                running.remove(worker)
                worker.check()
                done += len(worker.chain)
                _report(worker, done, total, monotonic_s() - start)
            if monotonic_s() - start > TIMEOUT_S:
                raise Unavailable(f"the demo did not finish within {TIMEOUT_S:.0f} s.", code="demo.timeout")
    finally:
        for worker in running:
            worker.process.kill()
            worker.process.wait()


def _report(worker: _Worker, done: int, total: int, elapsed_s: float) -> None:
    words = {
        "finish": "",
        "raise": "failed, as it was to",
        "kill": "killed with SIGKILL",
        "cancel": "cancelled by Ctrl-C",
    }
    last = worker.chain[-1]
    results = [line.removeprefix("done: ") for line in worker.lines() if line.startswith("done: ")]
    outcome = results[-1] if results else words.get(worker.ending, "")
    runs = f"{len(worker.chain)} runs" if len(worker.chain) > 1 else "1 run"
    click.echo(f"[{done:2d}/{total}] {elapsed_s:4.0f} s  {last.experiment}: {last.model}, {runs}  {outcome}")


def _show(settings: Settings) -> None:
    """Print the best runs, a comparison and the history tree, by the commands that a person would type."""
    commands: list[list[str]] = [
        ["best"],
        ["compare", *_best_runs(settings)],
        ["tree", "--project", "digits"],
        ["ls", "state in (failed, killed, cancelled)"],
    ]
    for words in commands:
        click.echo(click.style(f"$ everbloom {' '.join(_quoted(word) for word in words)}", bold=True))
        sys.stdout.flush()
        environment = child_environment(EVERBLOOM_ROOT=str(settings.root))
        subprocess.run([sys.executable, "-m", "everbloom.cli", *words], env=environment, check=True)
        click.echo()
    click.echo("Look further:")
    for line in (
        "everbloom ui                                 in the browser: curves, comparisons, everything live",
        "everbloom ls                                 all runs, newest first",
        "everbloom ls 'metrics.val/acc.max > 0.97'    by result; docs/reference/filter-language.md has the rest",
        "everbloom show RUN                           everything about one run",
        "everbloom logs RUN                           what it printed",
        "everbloom search 'learning rate'             over names, notes, reasons, conclusions and console",
    ):
        click.echo(f"  {line}")


def _best_runs(settings: Settings) -> list[str]:
    """Return the name of the best digits run of each kind of model."""
    from everbloom.query.reader import RunQuery, open_reader

    names = []
    with open_reader(settings) as reader:
        for model in ("sgd", "mlp", "forest", "svm"):
            wanted = f"params.model = {model} and experiment = 'read handwriting' and state = finished"
            query = RunQuery(filter=wanted, project="digits", sort="-metrics.val/acc.last", limit=1)
            names += [run.name for run in reader.list_runs(query).runs]
    return names


def _quoted(word: str) -> str:
    return f"'{word}'" if " " in word else word
