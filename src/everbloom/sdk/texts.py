"""Texts and values that are too large for one record: split, or cut with the whole kept as a file.

A record holds 64 KiB. Parameters are spread over several records; a single text above 16 KiB keeps its first 4 KiB
in place, followed by where the whole is: `params/<name>.txt` among the run's files, by its SHA-256.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from everbloom.core.records import Scalar
from everbloom.core.values import PARAM_NAME_MAX_CHARS, iter_flat, to_param_value
from everbloom.sdk.guard import Guard

INLINE_MAX_BYTES = 16_384
_KEPT_CHARS = 4_096
_RECORD_BYTES = 40_000  # of names and values in one record of parameters
_UNSAFE = re.compile(r"[^\w.\-]+")

StoreText = Callable[[str, str], str]  # (path among the run's files, text) -> SHA-256


def fit_text(text: str, path: str, store: StoreText) -> str:
    """Return a text that fits into a record; a longer one is stored as a file and cut."""
    safe = text.encode("utf-8", "backslashreplace").decode()
    if len(safe) <= INLINE_MAX_BYTES // 4 or len(safe.encode()) <= INLINE_MAX_BYTES:
        return safe
    sha256 = store(path, safe)
    return f"{safe[:_KEPT_CHARS]}… ({len(safe)} characters, whole in {path}, sha256 {sha256})"


def text_path(folder: str, name: str) -> str:
    """Return the file name for a text by its name: letters and digits kept, told apart by a hash."""
    plain = _UNSAFE.sub("_", name)[:60].strip("._")
    if plain == name:
        return f"{folder}/{plain}.txt"
    return f"{folder}/{plain or 'text'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.txt"


def flatten_params(params: Any, store: StoreText, guard: Guard) -> dict[str, Scalar]:
    """Flatten parameters with dots and make every value a scalar that fits into a record.

    Args:
        params: A mapping, or an object with attributes such as `argparse.Namespace` or a dataclass.
        store: Keeps a long text.
        guard: Is told what could not be kept, such as what lies below 32 levels; the rest is kept.
    """
    flat: dict[str, Scalar] = {}
    leaves = iter_flat(params if isinstance(params, Mapping) else vars(params), ".")
    while True:
        try:
            name, value = next(leaves)
            text = _to_name(name)
            scalar = to_param_value(value)
            is_text = isinstance(scalar, str)
            flat[text] = fit_text(str(scalar), text_path("params", text), store) if is_text else scalar
        except StopIteration:
            return flat
        except Exception as error:  # noqa: BLE001 - foreign mappings, and a store that is full
            guard.handle(error)


def _to_name(name: Any) -> str:
    shown = to_param_value(name)
    text = str(shown if isinstance(shown, str) else name).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= PARAM_NAME_MAX_CHARS else text[:PARAM_NAME_MAX_CHARS] + "…"


def iter_portions(values: Mapping[str, Scalar]) -> Iterator[dict[str, Scalar]]:
    """Yield parameters in portions that each fit into one record."""
    portion: dict[str, Scalar] = {}
    size = 0
    for name, value in values.items():
        weight = len(name.encode()) + (len(value.encode()) if isinstance(value, str) else 9) + 10
        if portion and size + weight > _RECORD_BYTES:
            yield portion
            portion, size = {}, 0
        portion[name] = value
        size += weight
    if portion:
        yield portion
