"""Images and figures: files and bytes as they are, arrays as PNG, figures as they draw themselves."""

import io
import re
import struct
import zlib
from typing import Any

from everbloom.core.errors import InvalidInput
from everbloom.sdk.media.base import Encoded, Media, is_source, not_media, read_source, to_array

# (offset, magic, media type): enough to tell what a browser can show, without trusting a file's name.
_MAGICS = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (4, b"ftypavif", "image/avif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
)
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels to PNG's colour type
# What altair writes first of all; a plotly figure has no schema.
_VEGA = re.compile(r"\"\$schema\":\s*\"[^\"]*/vega(-lite)?/")
_VEGA_TYPE = "application/vnd.vega+json"
_PLOTLY_TYPE = "application/vnd.plotly.v1+json"
_EXPECTED = (
    "a path, bytes, a Pillow image, a matplotlib figure, or an array of shape (height, width), "
    "(height, width, 1 to 4) or (1, 3 or 4, height, width)"
)


class Image(Media):
    """A picture: `eb.Image(array)`, a path, bytes of PNG/JPEG/GIF/WebP/SVG, a Pillow image or a figure.

    Arrays of integers and booleans are 0 to 255 (booleans 0 or 1); floats are 0 to 1, others are clipped.
    Channels may come last, or first as in PyTorch.
    """

    kind = "image"

    def __init__(self, data: Any, *, caption: str = "") -> None:
        super().__init__(caption=caption)
        self.data = data

    def encode(self) -> Encoded:
        """Return the picture's bytes; arrays become PNG."""
        if is_source(self.data):
            content = read_source(self.data)
            return Encoded(media_type=_sniff(content), data=content, meta=_read_png_size(content))
        if (array := to_array(self.data)) is not None:
            return _encode_array(array)
        if callable(getattr(self.data, "savefig", None)):
            return _encode_matplotlib(self.data)
        if callable(getattr(self.data, "save", None)) and hasattr(self.data, "size"):  # Pillow
            buffer = io.BytesIO()
            self.data.save(buffer, format="PNG")
            content = buffer.getvalue()
            return Encoded(media_type="image/png", data=content, meta=_read_png_size(content))
        raise not_media("an image", self.data, _EXPECTED)


class Figure(Media):
    """A chart as its library draws it: matplotlib's as PNG, plotly's and altair's as their own JSON."""

    kind = "figure"

    def __init__(self, figure: Any, *, caption: str = "") -> None:
        super().__init__(caption=caption)
        self.figure = figure

    def encode(self) -> Encoded:
        """Return the drawing's bytes, as it looks now."""
        if callable(getattr(self.figure, "savefig", None)):
            return _encode_matplotlib(self.figure)
        if callable(getattr(self.figure, "get_figure", None)):  # matplotlib's axes
            return _encode_matplotlib(self.figure.get_figure())
        if callable(to_json := getattr(self.figure, "to_json", None)):
            text = str(to_json())
            is_vega = _VEGA.search(text) is not None
            return Encoded(media_type=_VEGA_TYPE if is_vega else _PLOTLY_TYPE, data=text.encode())
        raise not_media("a figure", self.figure, "a matplotlib figure or axes, or a plotly or altair figure")


def encode_png(pixels: bytes, *, width: int, height: int, channels: int) -> bytes:
    """Return a PNG of 8-bit pixels in rows, `channels` bytes each: grey, grey + alpha, RGB, RGBA.

    After the PNG specification (ISO/IEC 15948), every row with filter 0.
    """
    stride = width * channels
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, height * stride, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _encode_array(array: Any) -> Encoded:
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim == 3 and array.shape[2] not in _COLOUR_TYPES and array.shape[0] in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] not in _COLOUR_TYPES or 0 in array.shape:
        raise not_media("an image", array, _EXPECTED)
    height, width, channels = array.shape
    content = encode_png(_to_bytes(array).tobytes(), width=width, height=height, channels=channels)
    return Encoded(media_type="image/png", data=content, meta={"width": width, "height": height})


def _to_bytes(array: Any) -> Any:
    if array.dtype.kind == "b":
        return array.astype("uint8") * 255
    if array.dtype.kind == "f":
        array = array.astype("float64")
        array[array != array] = 0  # NaN, which alone differs from itself, has no colour: black
        return (array.clip(0, 1) * 255).round().astype("uint8")
    if array.dtype.kind in "iu":
        return array.clip(0, 255).astype("uint8")
    raise not_media("an image", array, _EXPECTED)


def _encode_matplotlib(figure: Any) -> Encoded:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    content = buffer.getvalue()
    return Encoded(media_type="image/png", data=content, meta=_read_png_size(content))


def _sniff(content: bytes) -> str:
    for offset, magic, media_type in _MAGICS:
        if content.startswith(magic, offset):
            return media_type
    if b"<svg" in content[:1024]:
        return "image/svg+xml"
    raise InvalidInput(
        f"an image of {len(content)} bytes begins with {content[:8]!r}; it is none of PNG, JPEG, GIF, WebP, "
        f"AVIF, BMP, TIFF, SVG. Save it as a file, or convert it first.",
        code="media.value",
        kind="image",
    )


def _read_png_size(content: bytes) -> dict[str, int]:
    if not content.startswith(b"\x89PNG") or len(content) < 24:
        return {}
    width, height = struct.unpack_from(">II", content, 16)
    return {"width": width, "height": height}
