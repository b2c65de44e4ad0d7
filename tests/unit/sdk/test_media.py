"""Media are encoded when logged, with the standard library, and small ones stand in their record."""

import io
import json
import math
import struct
import wave
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import everbloom as eb
from everbloom.core.errors import InvalidInput
from everbloom.core.records import Media
from everbloom.journal.blobs import read_blob
from everbloom.testing.recorded import read_recorded


def decode_png(data):
    """Decode an 8-bit PNG whose rows have filter 0, into an array of shape (height, width, channels)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, body, header = 8, b"", None
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, chunk = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length)[0] == zlib.crc32(kind + chunk)
        header = struct.unpack(">IIBBBBB", chunk) if kind == b"IHDR" else header
        body += chunk if kind == b"IDAT" else b""
        position += length + 12
    width, height, depth, colour, *_ = header
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[colour]
    assert depth == 8
    rows = np.frombuffer(zlib.decompress(body), dtype=np.uint8).reshape(height, width * channels + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, channels)


@given(
    hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)), elements=st.integers(0, 255)
    )
)
def test_an_array_comes_back_from_its_png(pixels):
    assert np.array_equal(decode_png(eb.Image(pixels).encode().data), pixels)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]]), [[0, 128, 255]]),
        (np.array([[-1.0, 2.0, math.nan]]), [[0, 255, 0]]),
        (np.array([[True, False, True]]), [[255, 0, 255]]),
        (np.array([[-5, 128, 300]]), [[0, 128, 255]]),
        (np.array([[0.0, 0.5, 1.0]], dtype=np.float16), [[0, 128, 255]]),
    ],
)
def test_values_of_every_type_become_bytes(array, expected):
    assert decode_png(eb.Image(array).encode().data)[:, :, 0].tolist() == expected


def test_channels_may_come_first():
    pixels = np.arange(3 * 5 * 7, dtype=np.uint8).reshape(3, 5, 7)
    assert np.array_equal(decode_png(eb.Image(pixels).encode().data), pixels.transpose(1, 2, 0))
    assert np.array_equal(decode_png(eb.Image(pixels[None]).encode().data), pixels.transpose(1, 2, 0))


def test_a_tensor_is_taken_off_its_device():
    class Tensor:
        def __init__(self, array):
            self.array = array

        def detach(self):
            return self

        def cpu(self):
            return self.array

    assert eb.Image(Tensor(np.zeros((2, 3), np.uint8))).encode().meta == {"width": 3, "height": 2}
    assert eb.Histogram(Tensor(np.zeros(4))).encode().meta["n"] == 4


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
    ],
)
def test_image_files_are_kept_as_they_are(tmp_path, data, media_type):
    (tmp_path / "picture").write_bytes(data)
    for source in (data, tmp_path / "picture", str(tmp_path / "picture")):
        encoded = eb.Image(source).encode()
        assert (encoded.data, encoded.media_type) == (data, media_type)


@pytest.mark.parametrize(
    "value", [None, 5, np.zeros(3), np.zeros((2, 2, 7)), np.zeros((0, 3)), np.array([["a"]]), b"no picture", {}]
)
def test_what_is_no_picture_is_refused(value):
    with pytest.raises(InvalidInput, match=r"media\.value"):
        eb.Image(value).encode()


class FakeFigure:
    def savefig(self, buffer, **_):
        buffer.write(eb.Image(np.zeros((4, 6), np.uint8)).encode().data)


class FakePlot:
    def to_json(self):
        return '{"data": []}'


class FakeChart:
    def to_json(self):
        return '{"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "mark": "bar"}'


def test_figures_draw_themselves():
    assert eb.Figure(FakeFigure()).encode().meta == {"width": 6, "height": 4}
    assert eb.Image(FakeFigure()).encode().media_type == "image/png"
    plot = eb.Figure(FakePlot()).encode()
    assert plot.media_type == "application/vnd.plotly.v1+json"
    assert eb.Figure(FakeChart()).encode().media_type == "application/vnd.vega+json"
    with pytest.raises(InvalidInput, match="matplotlib"):
        eb.Figure(5).encode()


@pytest.mark.parametrize("samples", [np.array([0.0, 0.5, -2.0]), [0.0, 0.5, -2.0]])
def test_samples_become_a_wav_that_players_read(samples):
    encoded = eb.Audio(samples, sample_rate=8_000).encode()
    with wave.open(io.BytesIO(encoded.data)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (8_000, 1, 2)
        frames = np.frombuffer(reader.readframes(3), "<i2").tolist()
    assert frames == [0, 16384, -32767]
    assert encoded.meta["duration_s"] == 3 / 8_000


def test_stereo_and_integer_samples_are_kept():
    samples = np.array([[1, -1], [300, -300]], dtype=np.int16)
    with wave.open(io.BytesIO(eb.Audio(samples, sample_rate=44_100).encode().data)) as reader:
        assert reader.getnchannels() == 2
        assert np.array_equal(np.frombuffer(reader.readframes(2), "<i2").reshape(2, 2), samples)


def test_sound_needs_its_sample_rate():
    with pytest.raises(InvalidInput, match="sample_rate"):
        eb.Audio(np.zeros(3)).encode()


def test_sound_and_video_files_are_kept_as_they_are(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"ID3")
    assert eb.Audio(tmp_path / "a.mp3").encode().media_type == "audio/mpeg"
    assert eb.Video(b"\0\0\0\x18ftypmp42").encode().media_type == "video/mp4"
    assert eb.Video(b"\x1a\x45\xdf\xa3").encode().media_type == "video/webm"
    with pytest.raises(InvalidInput, match="video"):
        eb.Video(np.zeros((2, 3, 4))).encode()


class FakeFrame:
    columns = ("a", "b")

    def itertuples(self, *, index, name):
        return iter([(1, "x"), (2, "y")])


@pytest.mark.parametrize(
    "table",
    [
        eb.Table(columns=["a", "b"], rows=[[1, "x"], [2, "y"]]),
        eb.Table([{"a": 1, "b": "x"}, {"b": "y", "a": 2}]),
        eb.Table(FakeFrame()),
        eb.Table(np.array([[1, "x"], [2, "y"]], dtype=object), columns=["a", "b"]),
    ],
)
def test_tables_of_every_kind_become_columns_and_rows(table):
    encoded = table.encode()
    assert json.loads(encoded.data) == {"columns": ["a", "b"], "rows": [[1, "x"], [2, "y"]]}
    assert encoded.meta == {"columns": 2, "rows": 2}


def test_what_json_cannot_hold_is_kept_in_a_table():
    rows = [[math.nan, math.inf, -math.inf, None, True, np.float32(0.5), {1}, np.datetime64("2024-05-01")]]
    cells = json.loads(eb.Table(columns=list("abcdefgh"), rows=rows).encode().data)["rows"][0]
    assert cells[:7] == [{"float": "nan"}, {"float": "inf"}, {"float": "-inf"}, None, True, 0.5, "{1}"]
    assert "2024-05-01" in str(cells[7])


def test_dictionaries_with_different_keys_are_filled_with_null():
    assert json.loads(eb.Table([{"a": 1}, {"b": 2}]).encode().data)["rows"] == [[1, None], [None, 2]]


@pytest.mark.parametrize("table", [eb.Table(), eb.Table([[1, 2]]), eb.Table(5), eb.Table(np.zeros(3))])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(InvalidInput, match=r"media\."):
        table.encode()


def test_a_row_that_is_too_short_is_named():
    with pytest.raises(InvalidInput, match="row 1"):
        eb.Table(columns=["a", "b"], rows=[[1, 2], [3]]).encode()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=50), st.integers(1, 20))
def test_lists_and_arrays_give_the_same_histogram(values, bins):
    by_list = eb.Histogram(values, bins=bins).encode().meta
    by_array = eb.Histogram(np.array(values, dtype=np.float64), bins=bins).encode().meta
    assert by_list["edges"] == by_array["edges"]
    assert by_list["n"] == by_array["n"] == len(values)
    assert by_list["counts"] == by_array["counts"]
    assert sum(by_list["counts"]) == sum(map(math.isfinite, values))


def test_nan_and_infinities_are_counted_beside_the_bins():
    meta = eb.Histogram([0.0, 1.0, math.nan, math.inf, math.inf, -math.inf], bins=2).encode().meta
    assert meta == {"edges": [0.0, 0.5, 1.0], "counts": [1, 1], "n": 6, "nan": 1, "inf": 2, "ninf": 1}


def test_a_counted_histogram_is_taken_as_it_is():
    meta = eb.Histogram(edges=[0, 1, 10], counts=[5, 2]).encode().meta
    assert meta == {"edges": [0.0, 1.0, 10.0], "counts": [5.0, 2.0], "n": 7.0}


@pytest.mark.parametrize(
    "histogram",
    [
        eb.Histogram(),
        eb.Histogram(edges=[0, 1], counts=[1, 2]),
        eb.Histogram(edges=[1, 0], counts=[1]),
        eb.Histogram([1.0], bins=0),
        eb.Histogram([1.0], bins=513),
        eb.Histogram(["a"]),
        eb.Histogram(np.array(["a"])),
    ],
)
def test_what_is_no_histogram_is_refused(histogram):
    with pytest.raises(InvalidInput, match=r"media\."):
        histogram.encode()


def test_media_are_logged_beside_numbers_at_their_step(store):
    with eb.init() as run:
        run.log({"loss": 1.0, "sample": eb.Text("hello 🌸", caption="first"), "h": eb.Histogram([1, 2])}, step=7)
        run.log({"only": eb.Text("media", is_markdown=True)})
    recorded = read_recorded(store)
    assert recorded.rows == [(7, {"loss": 1.0})]
    text, histogram, only = recorded.records(Media)
    assert (text.name, text.step, text.kind, text.data, text.caption) == (
        "sample",
        7,
        "text",
        "hello 🌸".encode(),
        "first",
    )
    assert (histogram.kind, histogram.meta["n"]) == ("histogram", 2)
    assert (only.step, only.media_type) == (8, "text/markdown")


def test_large_media_are_blobs(store):
    with eb.init() as run:
        run.log({"text": eb.Text("x" * 100_000)}, step=0)
    (media,) = read_recorded(store).records(Media)
    assert media.data is None
    assert media.size == 100_000
    assert read_blob(store, run.id, media.sha256) == b"x" * 100_000


def test_a_picture_that_cannot_be_encoded_does_not_cost_the_numbers(store, lenient, capsys):
    with eb.init() as run:
        run.log({"loss": 1.0, "bad": eb.Image(np.zeros(3)), "good": eb.Text("kept")})
    recorded = read_recorded(store)
    assert recorded.rows == [(0, {"loss": 1.0})]
    assert [media.name for media in recorded.records(Media)] == ["good"]
    assert "media.value" in capsys.readouterr().err
