"""Sound and video: files and bytes as they are, sound from arrays as 16-bit WAV.

Video from arrays would need an encoder that the standard library has not; a file that one wrote is kept.
"""

import io
import wave
from pathlib import Path
from typing import Any

from everbloom.core.errors import InvalidInput
from everbloom.sdk.media.base import Encoded, Media, is_source, not_media, read_source, to_array

_AUDIO_TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
}
_VIDEO_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".gif": "image/gif",
}
_FULL_SCALE = 32_767


class Audio(Media):
    """Sound: a path, bytes, or an array of shape (samples,) or (samples, channels) with its `sample_rate`.

    Floats are -1 to 1, others are clipped; 16-bit integers are taken as they are.
    """

    kind = "audio"

    def __init__(self, data: Any, *, sample_rate: int | None = None, caption: str = "") -> None:
        super().__init__(caption=caption)
        self.data = data
        self.sample_rate = sample_rate

    def encode(self) -> Encoded:
        """Return the sound's bytes; arrays and lists become WAV."""
        if is_source(self.data):
            content = read_source(self.data)
            fallback = "audio/wav" if content[:4] == b"RIFF" else "application/octet-stream"
            return Encoded(media_type=_read_ending(self.data, _AUDIO_TYPES, fallback), data=content)
        if self.sample_rate is None or self.sample_rate <= 0:
            raise InvalidInput(
                f"sound from samples has sample_rate={self.sample_rate}; a player needs it. Give the samples a "
                f"second, such as eb.Audio(samples, sample_rate=16_000).",
                code="media.sample_rate",
            )
        frames, channels, count = _to_frames(self.data)
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as writer:
            writer.setnchannels(channels)
            writer.setsampwidth(2)
            writer.setframerate(self.sample_rate)
            writer.writeframes(frames)
        meta = {"sample_rate": self.sample_rate, "channels": channels, "duration_s": count / self.sample_rate}
        return Encoded(media_type="audio/wav", data=buffer.getvalue(), meta=meta)


class Video(Media):
    """A video or animation: the path of a file, or its bytes."""

    kind = "video"

    def __init__(self, data: str | Path | bytes, *, caption: str = "") -> None:
        super().__init__(caption=caption)
        self.data = data

    def encode(self) -> Encoded:
        """Return the file's bytes."""
        if not is_source(self.data):
            raise not_media("a video", self.data, "the path of a video file or its bytes; encode frames first")
        content = read_source(self.data)
        fallback = "application/octet-stream"
        if content[4:8] == b"ftyp":
            fallback = "video/mp4"
        elif content[:4] == b"\x1a\x45\xdf\xa3":
            fallback = "video/webm"
        elif content[:4] == b"GIF8":
            fallback = "image/gif"
        return Encoded(media_type=_read_ending(self.data, _VIDEO_TYPES, fallback), data=content)


def _read_ending(source: Any, types: dict[str, str], fallback: str) -> str:
    ending = Path(source).suffix.lower() if isinstance(source, (str, Path)) else ""
    return types.get(ending, fallback)


def _to_frames(samples: Any) -> tuple[bytes, int, int]:
    array = to_array(samples)
    if array is None:
        return _list_to_frames(samples)
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiu" or (array.ndim == 2 and array.shape[1] > 32):
        raise not_media("sound", array, "shape (samples,) or (samples, channels)")
    if array.dtype.kind == "f":
        array = (array.clip(-1, 1) * _FULL_SCALE).round()
    frames = array.clip(-_FULL_SCALE - 1, _FULL_SCALE).astype("<i2").tobytes()
    return frames, 1 if array.ndim == 1 else int(array.shape[1]), int(array.shape[0])


def _list_to_frames(samples: Any) -> tuple[bytes, int, int]:
    try:
        values = [max(-1.0, min(1.0, float(sample))) for sample in samples]
    except (TypeError, ValueError) as error:
        raise not_media("sound", samples, "a path, bytes, an array, or a list of floats from -1 to 1") from error
    frames = b"".join(round(v * _FULL_SCALE).to_bytes(2, "little", signed=True) for v in values)
    return frames, 1, len(values)
