"""What every kind of media is: a wrapper that is cheap to make and is encoded when it is logged.

Encoding waits for `log`, where the guard stands, so that a picture of an odd shape costs a warning and never
the training. Everything is encoded with the standard library; NumPy, Pillow, pandas or matplotlib are used
only through the objects that a person hands in, never imported.
"""

from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, field

from everbloom.core.errors import InvalidInput
from everbloom.core.records import MediaKind


class Encoded(Struct, frozen=True, kw_only=True):
    """Media as bytes.

    Attributes:
        media_type: The IANA type of `data`.
        data: The content; empty where `meta` says everything.
        meta: What the kind knows of itself, such as width and height.
    """

    media_type: str
    data: bytes = b""
    meta: dict[str, Any] = field(default_factory=dict)


class Media:
    """A value other than a number, to be handed to `log`."""

    kind: ClassVar[MediaKind]

    def __init__(self, *, caption: str = "") -> None:
        self.caption = caption

    def encode(self) -> Encoded:
        """Turn the value, as it is now, into bytes.

        Raises:
            InvalidInput: The value is not of this kind; says what would be.
        """
        raise TypeError(f"{type(self).__name__} does not say how it is encoded")


def read_source(source: str | Path | bytes) -> bytes:
    """Return bytes as they are, or read the file that a path names."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    return Path(source).read_bytes()


def is_source(value: Any) -> bool:
    """Tell whether the value is a path or bytes."""
    return isinstance(value, (str, Path, bytes, bytearray, memoryview))


def to_array(value: Any) -> Any:
    """Turn a NumPy array, or a tensor on any device, into a NumPy array; None where it is neither."""
    if callable(detach := getattr(value, "detach", None)):  # a tensor that may need gradients, on a GPU
        value = detach().cpu()
    if not hasattr(value, "__array__") or not hasattr(value, "shape"):
        return None
    import numpy as np  # there already: the value is made of it

    return np.asarray(value)


def not_media(what: str, value: Any, expected: str) -> InvalidInput:
    """Return the error for a value that cannot be media of this kind."""
    shape = getattr(value, "shape", None)
    shown = f"{type(value).__name__} of shape {tuple(shape)}" if shape is not None else type(value).__name__
    return InvalidInput(f"{what} of {shown} cannot be kept; give {expected}.", code="media.value", kind=what)
