"""What may be a metric's or a parameter's value, and how nested mappings become names.

Metrics are float64 from `log()` on. Parameters keep their type where it is a scalar and become text
otherwise, so that nothing a person passes is lost or refused.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from everbloom.core.errors import InvalidInput
from everbloom.core.interrupts import pass_handler_error
from everbloom.core.records import Scalar

METRIC_NAME_MAX_CHARS = 1024
PARAM_NAME_MAX_CHARS = 1024
PARAM_TEXT_MAX_CHARS = 1_000_000
EXACT_INT = 2**53  # beyond it, float64 rounds
_DEPTH_MAX = 32

SYSTEM_PREFIX = "system/"  # of the metrics that the watcher measures, whose steps are seconds
SUMMARIES = ("last", "min", "max", "first", "mean", "n", "best")

_DOWN = frozenset(
    (
        "loss error err latency perplexity ppl mse rmse mae mape nll wer cer bleurt_loss regret distance "
        "fid time duration seconds ms memory cost entropy deviance brier ece"
    ).split()
)
_UP = frozenset(
    (
        "acc accuracy top1 top5 auc auroc auprc ap map f1 f2 fbeta r2 precision recall score bleu rouge iou "
        "miou dice psnr ssim reward return throughput ndcg mrr hit mcc kappa sharpe specificity sensitivity"
    ).split()
)


@lru_cache(maxsize=32_768)  # a catalogue asks for each name of a store, several times
def guess_direction(metric: str) -> str | None:
    """Guess from a metric's name whether less ("min") or more ("max") is better; None where it does not say.

    The last word that says something decides: `val/acc_loss` goes down. A guess is always shown as one. Nothing is
    guessed of what the machine was measured at.
    """
    if metric.startswith(SYSTEM_PREFIX):
        return None
    words = "".join(c if c.isalnum() else " " for c in metric.lower()).split()
    for word in reversed(words):
        stem = word.rstrip("0123456789")
        for candidate in (word, stem):
            if candidate in _DOWN or candidate.endswith("loss"):
                return "min"
            if candidate in _UP:
                return "max"
    return None


def check_metric_name(name: Any) -> str:
    """Return a metric's name if it can be one: 1 to 1,024 characters that are Unicode text, on one line.

    Raises:
        InvalidInput: It is not; says why.
    """
    if not isinstance(name, str):
        raise InvalidInput(
            f"metric name {show_value(name)} is of type {type(name).__name__}; a name is text. Use str(...).",
            code="metric.name_not_text",
        )
    if not name or len(name) > METRIC_NAME_MAX_CHARS or "\n" in name or "\0" in name:
        raise InvalidInput(
            f"metric name {show_value(name)} has {len(name)} characters; a name has 1 to "
            f"{METRIC_NAME_MAX_CHARS} and no line break or NUL.",
            code="metric.name",
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"metric name {show_value(name)} holds half of a surrogate pair, which is no Unicode text; name it "
            f"otherwise.",
            code="metric.name",
        ) from None
    return str(name)


def to_metric_value(name: str, value: Any, step: int | None) -> float:
    """Turn what a person logged into a float64: Python and NumPy numbers, booleans, 0-d arrays and tensors.

    Without a step, as where it is counted, a message names none.

    An integer beyond 2^53 is rounded, one beyond float64 becomes ±inf.

    Raises:
        InvalidInput: It is not one number; names metric, step and type.
    """
    if isinstance(value, (str, bytes)) or value is None:
        raise _not_scalar(name, value, step)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; told below
        pass_handler_error(error)
        try:
            return float(value.item())
        except Exception as raised:  # noqa: BLE001 - as above
            pass_handler_error(raised)
            raise _not_scalar(name, value, step) from error


def _not_scalar(name: str, value: Any, step: int | None) -> InvalidInput:
    try:
        size = f" of {len(value)}" if hasattr(value, "__len__") else ""
    except Exception as raised:  # noqa: BLE001 - a foreign __len__ may raise anything
        pass_handler_error(raised)
        size = ""
    return InvalidInput(
        f"metric {name!r}{'' if step is None else f' at step {step}'} is a {type(value).__name__}{size}; a metric is "
        f"one number. Log "
        f"eb.Histogram(values), eb.Text(...), or one key per number.",
        code="value.not_scalar",
        metric=name,
        step=step,
    )


class Unreadable:
    """Stands for a nested mapping that raised when it was read; nothing can be made of it but a message."""

    def __init__(self, mapping: object, error: Exception) -> None:
        self._text = f"{type(mapping).__name__}: items() raised {type(error).__name__}"

    def __repr__(self) -> str:
        return f"<{self._text}>"


def iter_flat(values: Mapping[Any, Any], separator: str) -> Iterator[tuple[Any, Any]]:
    """Yield (name, leaf) of nested mappings, names joined by the separator, in order.

    A mapping that holds itself, or is nested deeper than 32 levels, comes as a leaf, and so does, as `Unreadable`,
    one that raises when it is read: what stands beside them is not lost. The outermost one may raise.
    """
    yield from _iter_flat(values.items(), "", separator, (id(values),))


def _iter_flat(
    items: Iterable[tuple[Any, Any]], prefix: str, separator: str, above: tuple[int, ...]
) -> Iterator[tuple[Any, Any]]:
    for key, value in items:
        name = _join_name(prefix, separator, key)
        if not isinstance(value, Mapping) or id(value) in above or len(above) > _DEPTH_MAX:
            yield name, value
            continue
        try:
            nested = list(value.items())
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            pass_handler_error(error)
            yield name, Unreadable(value, error)
            continue
        yield from _iter_flat(nested, _to_text(name), separator, (*above, id(value)))


def _join_name(prefix: str, separator: str, key: Any) -> Any:
    if not prefix:
        return key
    return f"{prefix}{separator}{_to_text(key)}"


def _to_text(key: Any) -> str:
    try:
        return str(key)
    except Exception as error:  # noqa: BLE001 - a foreign __str__ may raise anything
        pass_handler_error(error)
        return f"<{type(key).__name__}: str raised {type(error).__name__}>"


def to_param_value(value: Any) -> Scalar:
    """Turn a parameter into a scalar: text, number, boolean or None as they are, the rest as `repr`.

    Never raises: an object whose `repr` raises becomes a line that says so. Text is cut after a million
    characters.
    """
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int:
        return value if -(2**63) <= value < 2**63 else str(value)
    if type(value) is float:
        return value
    if isinstance(value, str):
        return _cut(str.__str__(value))  # not a subclass's own, which may raise anything
    try:
        if getattr(value, "ndim", None) == 0 and callable(value.item):
            return to_param_value(value.item())
    except Exception as error:  # noqa: BLE001 - foreign code; training must not be harmed
        pass_handler_error(error)
        return f"<{type(value).__name__}: item() raised {type(error).__name__}>"
    try:
        return _cut(repr(value))
    except Exception as error:  # noqa: BLE001 - a foreign __repr__ may raise anything
        pass_handler_error(error)
        return f"<{type(value).__name__}: repr raised {type(error).__name__}>"


def _cut(text: str) -> str:
    safe = text.encode("utf-8", "backslashreplace").decode()  # lone surrogates are not UTF-8
    return safe if len(safe) <= PARAM_TEXT_MAX_CHARS else safe[:PARAM_TEXT_MAX_CHARS] + "…"


def fold_text(text: str) -> str:
    """Fold case the way every comparison without case does, on writing and on asking."""
    return text.casefold()


def show_value(value: Any) -> str:
    """Return a value as a message shows it: its `repr`, cut after 80 characters; never raises."""
    try:
        shown = repr(value)
    except Exception as raised:  # noqa: BLE001 - a foreign __repr__ may raise anything
        pass_handler_error(raised)
        shown = f"<{type(value).__name__}>"
    return shown if len(shown) <= 80 else shown[:80] + "…"
