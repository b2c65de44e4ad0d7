"""Texts and values that are too large for one record: split, or cut with the whole kept as a file.

A record holds 64 KiB. Parameters are spread over several records; a single text above 16 KiB keeps its first 4 KiB
in place, followed by where the whole is: `params/<name>.txt` among the run's files, by its SHA-256.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from everbloom.core.errors import InvalidInput
from everbloom.core.records import Scalar
from everbloom.core.values import PARAM_NAME_MAX_CHARS, iter_flat, show_value, to_param_value
from everbloom.sdk.guard import Guard

INLINE_MAX_BYTES = 16_384
_KEPT_CHARS = 4_096
_RECORD_BYTES = 40_000  # of names and values in one record of parameters
_BREAKS = re.compile(r"[\n\r\v\f\0\x1c-\x1e\x85\u2028\u2029]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_SCHEMES = frozenset({"http", "https", "mailto", "file"})
_UNSAFE = re.compile(r"[^\w.\-]+")

StoreText = Callable[[str, str], str]  # (path among the run's files, text) -> SHA-256


def check_text(value: Any, what: str) -> str:
    """Return a text if it is one.

    Raises:
        InvalidInput: It is something else; says what of, and that it is not kept (`text.not_text`).
    """
    if not isinstance(value, str):
        raise InvalidInput(
            f"{what} {show_value(value)} is of type {type(value).__name__} and is not kept; it has to be text. Use "
            f"str(...).",
            code="text.not_text",
            what=what,
        )
    return value


def to_mapping(params: Any) -> Mapping[Any, Any]:
    """Return parameters by name: a mapping as it is, else an object's attributes, as of a namespace or dataclass.

    Raises:
        InvalidInput: It has none (`params.not_mapping`).
    """
    if isinstance(params, Mapping):
        return params
    if hasattr(params, "__dataclass_fields__"):  # one with slots has no __dict__
        return {name: getattr(params, name, None) for name in params.__dataclass_fields__}
    try:
        attributes: Mapping[Any, Any] = vars(params)
    except TypeError:
        raise InvalidInput(
            f"params {show_value(params)} is of type {type(params).__name__}; give a mapping such as {{'lr': 0.1}}, an "
            f"argparse.Namespace or a dataclass.",
            code="params.not_mapping",
        ) from None
    return attributes


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
        guard: Is told what could not be kept, and whose name had to be changed; the rest is kept.
    """
    flat: dict[str, Scalar] = {}
    leaves = iter_flat(to_mapping(params), ".")
    while True:
        try:
            name, value = next(leaves)
            text = _to_name(name, guard)
            scalar = to_param_value(value)
            is_text = isinstance(scalar, str)
            flat[text] = fit_text(str(scalar), text_path("params", text), store) if is_text else scalar
        except StopIteration:
            return flat
        except Exception as error:  # noqa: BLE001 - foreign mappings, and a store that is full
            guard.handle(error)


def _to_name(name: Any, guard: Guard) -> str:
    shown = to_param_value(name)
    text = str(shown if isinstance(shown, str) else name).encode("utf-8", "backslashreplace").decode()
    safe = _BREAKS.sub(lambda found: repr(found[0])[1:-1], text) or "(empty)"
    if len(safe) > PARAM_NAME_MAX_CHARS:
        mark = hashlib.sha256(text.encode()).hexdigest()[:8]  # or two long names might become one
        safe = f"{safe[: PARAM_NAME_MAX_CHARS - len(mark) - 1]}…{mark}"
    if safe != text:
        guard.note(
            "param.name",
            f"a parameter's name of {len(text)} characters, {text[:40]!r}, has to have 1 to {PARAM_NAME_MAX_CHARS} "
            f"and no line break; its value is kept as {safe[:40]!r}.",
        )
    return safe


def check_url(url: str) -> str:
    """Return a link's URL if following it does no harm.

    Raises:
        InvalidInput: Its scheme is another than http, https, mailto or file (`link.scheme`).
    """
    # Browsers pass over white space and control characters within a scheme, so these must not hide one.
    found = _SCHEME.match("".join(c for c in url if c > " " and c != "\x7f"))
    if found and found[1].lower() not in _SCHEMES:
        raise InvalidInput(
            f"link {url[:80]!r} has the scheme {found[1]!r}; give one of {', '.join(sorted(_SCHEMES))}, or none.",
            code="link.scheme",
            url=url,
        )
    return url


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
