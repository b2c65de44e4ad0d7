"""Train one chain of the demo: what a person's own training script would be, at some length.

Run as `python -m everbloom.cli.demo.train`, with the chain as JSON on standard input. Every number that is
logged is computed here from the model and the data; conclusions are put together from those numbers.
"""

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from everbloom.cli.demo.plan import Chain, Trial
from everbloom.core.records import Direction
from everbloom.sdk.media.image import Image
from everbloom.sdk.media.table import Table
from everbloom.sdk.run import Run
from everbloom.sdk.start import init

PRINT_EVERY = 50


class Split:
    """A bundled data set, scaled and split in three quarters for training and one for validation."""

    def __init__(self, name: str) -> None:
        """Load it; 0 is the split's seed in every run, so that runs compare."""
        from sklearn import datasets
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        loaded = {
            "read handwriting": datasets.load_digits,
            "breast cancer": datasets.load_breast_cancer,
            "diabetes progression": datasets.load_diabetes,
        }[name](return_X_y=True)
        self.is_regression = name == "diabetes progression"
        target = loaded[1].astype(float) if self.is_regression else loaded[1]
        stratify = None if self.is_regression else target
        x_train, x_val, self.y_train, self.y_val = train_test_split(
            loaded[0], target, test_size=0.25, random_state=0, stratify=stratify
        )
        scaler = StandardScaler().fit(x_train)
        self.x_train, self.x_val = scaler.transform(x_train), scaler.transform(x_val)
        self.classes = np.unique(target)

    def batches(self, size: int, count: int, seed: int) -> Iterator[tuple[NDArray[np.float64], NDArray[Any]]]:
        """Yield `count` random batches, the same ones for the same seed."""
        random = np.random.default_rng(seed)
        for _ in range(count):
            rows = random.integers(0, len(self.x_train), size)
            yield self.x_train[rows], self.y_train[rows]

    def score(self, model: Any) -> dict[str, float]:
        """Measure a fitted model on both parts."""
        from sklearn import metrics

        if self.is_regression:
            fitted, predicted = model.predict(self.x_train), model.predict(self.x_val)
            with np.errstate(over="ignore"):  # of a model that diverges; what it comes to is logged as it is
                return {
                    "train/rmse": float(metrics.root_mean_squared_error(self.y_train, fitted)),
                    "val/rmse": float(metrics.root_mean_squared_error(self.y_val, predicted)),
                    "val/r2": float(metrics.r2_score(self.y_val, predicted)),
                }
        scores = {
            "train/acc": float(np.mean(model.predict(self.x_train) == self.y_train)),
            "val/acc": float(np.mean(model.predict(self.x_val) == self.y_val)),
        }
        if hasattr(model, "predict_proba"):
            probabilities = model.predict_proba(self.x_val)
            scores["val/loss"] = float(metrics.log_loss(self.y_val, probabilities, labels=self.classes))
        return scores

    @property
    def objective(self) -> tuple[str, Direction]:
        """The metric that runs are judged by, and which way is better."""
        return ("val/rmse", "min") if self.is_regression else ("val/acc", "max")


Trainer = Callable[[Run, Split, Trial], Any]


def _log_step(run: Run, step: int, scores: dict[str, float]) -> None:
    run.log(scores, step=step)
    if step % PRINT_EVERY == 0:
        print(f"step {step:5d}  " + "  ".join(f"{name} {value:.4f}" for name, value in scores.items()), flush=True)


def _train_batches(run: Run, split: Split, trial: Trial, model: Any) -> Any:
    """Train by `partial_fit`, one batch a step, measured after each."""
    more = {} if split.is_regression else {"classes": split.classes}
    batches = split.batches(trial.count("batch"), trial.steps, trial.seed)
    for step, (x, y) in enumerate(batches):
        model.partial_fit(x, y, **more)
        if "growth" in trial.params:  # a range test of the learning rate
            model.eta0 *= trial.params["growth"]
        _log_step(run, step, split.score(model))
    return model


def train_sgd(run: Run, split: Split, trial: Trial) -> Any:
    """Train a linear model by stochastic gradient descent."""
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    options = {
        "alpha": trial.params["alpha"],
        "eta0": trial.params["lr"],
        "learning_rate": "constant",
        "random_state": trial.seed,
    }
    model = SGDRegressor(**options) if split.is_regression else SGDClassifier(loss="log_loss", **options)
    return _train_batches(run, split, trial, model)


def train_mlp(run: Run, split: Split, trial: Trial) -> Any:
    """Train a small neural network with Adam."""
    from sklearn.neural_network import MLPClassifier

    layers = trial.params["layers"]
    model = MLPClassifier(
        hidden_layer_sizes=layers,
        learning_rate_init=trial.params["lr"],
        random_state=trial.seed,
    )
    return _train_batches(run, split, trial, model)


def train_boosting(run: Run, split: Split, trial: Trial) -> Any:
    """Boost trees, one stage a step, by `warm_start`."""
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    kind = GradientBoostingRegressor if split.is_regression else GradientBoostingClassifier
    model = kind(
        n_estimators=1,
        max_depth=trial.params["depth"],
        learning_rate=trial.params["lr"],
        subsample=trial.params["subsample"],
        random_state=trial.seed,
        warm_start=True,
    )
    for stage in range(trial.steps):
        model.n_estimators = stage + 1
        model.fit(split.x_train, split.y_train)
        _log_step(run, stage, split.score(model))
    return model


def train_forest(run: Run, split: Split, trial: Trial) -> Any:
    """Grow a forest in one go."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if split.is_regression else RandomForestClassifier
    model = kind(n_estimators=trial.params["trees"], random_state=trial.seed).fit(split.x_train, split.y_train)
    _log_step(run, 0, split.score(model))
    return model


def train_svm(run: Run, split: Split, trial: Trial) -> Any:
    """Fit a support vector machine."""
    from sklearn.svm import SVC

    model = SVC(C=trial.params["C"], gamma=trial.params["gamma"]).fit(split.x_train, split.y_train)
    _log_step(run, 0, split.score(model))
    return model


def train_ridge(run: Run, split: Split, trial: Trial) -> Any:
    """Solve ridge regression."""
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=trial.params["alpha"]).fit(split.x_train, split.y_train)
    _log_step(run, 0, split.score(model))
    return model


TRAINERS: dict[str, Trainer] = {
    "sgd": train_sgd,
    "mlp": train_mlp,
    "boosting": train_boosting,
    "forest": train_forest,
    "svm": train_svm,
    "ridge": train_ridge,
}


def draw_matrix(counts: NDArray[np.int64], cell_px: int = 24) -> NDArray[np.uint8]:
    """Draw a confusion matrix: one square a cell, darker where more fell; shape (n cell_px, n cell_px, 3), uint8."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    light, dark = np.array([247, 246, 243]), np.array([43, 58, 160])
    colours = (light + (dark - light) * np.sqrt(share)[..., None]).astype(np.uint8)
    colours = colours.repeat(cell_px, axis=0).repeat(cell_px, axis=1)
    colours[::cell_px] = colours[:, ::cell_px] = 255
    return np.ascontiguousarray(colours)


def describe(run: Run, split: Split, model: Any, step: int) -> None:
    """Log what the finished model gets wrong: a confusion matrix and a table, or the largest misses."""
    from sklearn import metrics

    predicted = model.predict(split.x_val)
    if split.is_regression:
        miss = predicted - split.y_val
        worst = np.argsort(-np.abs(miss))[:10]
        rows = [[int(i), float(split.y_val[i]), float(predicted[i]), float(miss[i])] for i in worst]
        run.log({"largest misses": Table(columns=["row", "true", "predicted", "miss"], rows=rows)}, step=step)
        return
    counts = metrics.confusion_matrix(split.y_val, predicted, labels=split.classes)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        split.y_val, predicted, labels=split.classes, zero_division=0
    )
    rows = [
        [int(c), float(precision[i]), float(recall[i]), float(f1[i]), int(support[i])]
        for i, c in enumerate(split.classes)
    ]
    caption = f"rows: truth, columns: prediction, classes {', '.join(str(c) for c in split.classes)}"
    run.log(
        {
            "confusion": Image(draw_matrix(counts), caption=caption),
            "by class": Table(columns=["class", "precision", "recall", "f1", "count"], rows=rows),
        },
        step=step,
    )


def conclude(run: Run, split: Split, reached: float, before: float | None) -> None:
    """Say in words what the numbers say, against the run that this one branched from."""
    metric, direction = split.objective
    if before is None:
        run.conclude(f"{metric} {reached:.4f}; nothing to compare with yet.", verdict="inconclusive")
        return
    gain = (reached - before) if direction == "max" else (before - reached)
    # One validation row of the smaller classification set moves accuracy by 0.007; less than that says nothing.
    noise = 0.007 if direction == "max" else 0.5
    verdict = "inconclusive" if abs(gain) < noise else ("supported" if gain > 0 else "refuted")
    change = f"{abs(gain):.4f} {'better' if gain > 0 else 'worse'}" if gain else "no change"
    run.conclude(f"{metric} {reached:.4f} against {before:.4f} before: {change}.", verdict=verdict)


def train_chain(chain: Chain) -> None:
    """Train a chain's trials one after the other, each branching from the one before."""
    split = Split(chain[0].experiment)
    metric, direction = split.objective
    parent: str | None = None
    before: float | None = None
    for trial in chain:
        with init(
            project=trial.project,
            experiment=trial.experiment,
            why=trial.why,
            params={"model": trial.model, **trial.params, "seed": trial.seed},
            tags=[trial.model, *trial.tags],
            parent=parent,
            seed=trial.seed,
            objectives={metric: direction},
            total_steps=trial.steps,
        ) as run:
            print(f"{trial.project} / {trial.experiment}: {trial.why}", flush=True)
            model = TRAINERS[trial.model](run, split, trial)
            reached = split.score(model)[metric]
            describe(run, split, model, trial.steps - 1)
            _save_model(run, model)
            conclude(run, split, reached, before)
            print(f"done: {metric} {reached:.4f}", flush=True)
        parent, before = run.id, reached


def _save_model(run: Run, model: Any) -> None:
    import joblib

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.joblib"
        joblib.dump(model, path, compress=3)
        run.save(path, kind="model")


if __name__ == "__main__":
    # A shell that starts a job in the background has it ignore Ctrl-C; the demo cancels one of its runs by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    train_chain(msgspec.json.decode(sys.stdin.buffer.read(), type=Chain))
