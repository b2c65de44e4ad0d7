"""Files of runs over REST: ranges, types that no browser runs, previews of every kind without reading the whole."""

import base64
import datetime as dt
import io
import json
import math
import struct
import zipfile

import numpy as np
import pytest

from everbloom.api.preview.tables import read_parquet
from everbloom.artifacts.local import store_bytes
from everbloom.core import layout
from everbloom.core.records import File
from everbloom.testing.onnx import build_onnx
from everbloom.testing.served import get_json, open_client
from everbloom.testing.stores import RunSpec, record_run

SCRIPT = b"<script>alert(1)</script>"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def client(root):
    with open_client(root) as opened:
        yield opened


def record(root, **files):
    """Record a run with files; names are given with `__` for a dot."""
    records = []
    for name, data in files.items():
        sha256, size = store_bytes(root, data)
        records.append(File(path=name.replace("__", "."), sha256=sha256, size=size))
    return record_run(root, RunSpec(records=records))


# ── content ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_a_download_under_its_name(root, client):
    run = record(root, **{"models/best__pt": b"weights"})
    answer = client.get(f"/api/v1/runs/{run}/artifacts/models/best.pt")
    assert (answer.status_code, answer.content) == (200, b"weights")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == "7"
    assert answer.headers["content-disposition"] == "attachment; filename=\"best.pt\"; filename*=UTF-8''best.pt"
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=5-", (5, 1000)),
        ("bytes=-7", (993, 1000)),
        ("bytes=990-5000", (990, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=999-999", (999, 1000)),
    ],
)
def test_a_range_is_answered_with_just_that(root, client, wanted, part):
    data = bytes(range(250)) * 4
    run = record(root, a__bin=data)
    answer = client.get(f"/api/v1/runs/{run}/artifacts/a.bin", headers={"range": wanted})
    start, end = part
    assert (answer.status_code, answer.content) == (206, data[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/1000"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=-0", "bytes=2000-3000", f"bytes={10**40}-"])
def test_a_range_that_cannot_be_met_is_refused(root, client, wanted):
    run = record(root, a__bin=bytes(1000))
    answer = client.get(f"/api/v1/runs/{run}/artifacts/a.bin", headers={"range": wanted})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1000")
    assert answer.json()["error"]["code"] == "range.unsatisfiable"
    assert wanted in answer.json()["error"]["message"]


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "bytes=5-3", "lines=1-2", "bytes=", "bytes=-", "nonsense"])
def test_several_ranges_or_none_are_answered_with_the_whole(root, client, wanted):
    run = record(root, a__bin=bytes(1000))
    answer = client.get(f"/api/v1/runs/{run}/artifacts/a.bin", headers={"range": wanted})
    assert (answer.status_code, len(answer.content)) == (200, 1000)


def test_what_a_file_is_can_be_asked_without_its_content(root, client):
    run = record(root, a__bin=bytes(1000))
    path = f"/api/v1/runs/{run}/artifacts/a.bin"
    for headers in ({}, {"range": "bytes=10-19"}, {"range": "bytes=1000-"}):
        whole, head = client.get(path, headers=headers), client.head(path, headers=headers)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert dict(head.headers) == dict(whole.headers)
    assert client.head(f"/api/v1/runs/{run}/artifacts/none.bin").status_code == 404


def test_a_range_of_something_that_changed_is_answered_with_the_whole(root, client):
    run = record(root, a__bin=bytes(1000))
    path = f"/api/v1/runs/{run}/artifacts/a.bin"
    tag = client.get(path).headers["etag"]
    same = client.get(path, headers={"range": "bytes=0-9", "if-range": tag})
    other = client.get(path, headers={"range": "bytes=0-9", "if-range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert client.get(path, headers={"if-none-match": tag}).status_code == 304


def test_an_empty_file_is_answered(root, client):
    run = record(root, empty__bin=b"")
    answer = client.get(f"/api/v1/runs/{run}/artifacts/empty.bin")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "name", ["page__html", "page__htm", "page__xhtml", "page__svg", "page__js", "page__xml", "page", "a__pdf"]
)
@pytest.mark.parametrize("inline", ["0", "1"])
def test_no_file_is_ever_served_as_a_page(root, client, name, inline):
    sha256, size = store_bytes(root, SCRIPT)
    path = name.replace("__", ".")
    run = record_run(root, RunSpec(records=[File(path=path, sha256=sha256, size=size, media_type="text/html")]))
    answer = client.get(f"/api/v1/runs/{run}/artifacts/{path}?inline={inline}")
    assert answer.content == SCRIPT
    assert answer.headers["content-type"] in (
        "text/plain; charset=utf-8", "image/svg+xml", "application/pdf", "application/octet-stream"
    )  # fmt: skip
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "sandbox" in policy or path == "a.pdf"
    if inline == "0":
        assert answer.headers["content-disposition"].startswith("attachment")


def test_a_name_cannot_break_out_of_the_header(root, client):
    sha256, size = store_bytes(root, b"x")
    path = 'é"; filename="evil.html'
    run = record_run(root, RunSpec(records=[File(path=path, sha256=sha256, size=size)]))
    answer = client.get(f"/api/v1/runs/{run}/artifacts/{path}")
    assert answer.headers["content-disposition"].startswith('attachment; filename="__; filename=_evil.html";')


def test_a_checkpoint_is_found_by_its_step(root, client):
    records = []
    for step, data in ((1, b"one"), (2, b"two")):
        sha256, size = store_bytes(root, data)
        records.append(File(path="c.pt", sha256=sha256, size=size, step=step))
    run = record_run(root, RunSpec(records=records))
    path = f"/api/v1/runs/{run}/artifacts/c.pt"
    assert client.get(f"{path}?step=1").content == b"one"
    assert client.get(path).content == b"two"
    assert client.get(f"{path}?step=3").json()["error"]["code"] == "artifact.unknown"


@pytest.mark.parametrize("path", ["../../ui.token", "..%2F..%2Fui.token", "%2e%2e/ui.token", "/etc/passwd", "none"])
def test_nothing_but_the_runs_own_files_can_be_asked_for(root, client, path):
    run = record(root, a__bin=b"x")
    answer = client.get(f"/api/v1/runs/{run}/artifacts/{path}")
    assert answer.status_code == 404


def test_content_that_is_gone_is_said_before_the_answer_begins(root, client):
    run = record(root, a__bin=b"gone")
    sha256, _ = store_bytes(root, b"gone")
    layout.blob_path(root, sha256).unlink()
    answer = client.get(f"/api/v1/runs/{run}/artifacts/a.bin")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "blob.missing")


# ── previews ──────────────────────────────────────────────────────────────────────────────────────────────────────


def look(client, run, path, **more):
    return get_json(client, f"/runs/{run}/preview", path=path, **more)


def test_a_text_is_read_by_windows_that_cut_no_character(root, client):
    text = "äöü€𝄞" * 500
    run = record(root, a__txt=text.encode())
    found, offset = "", 0
    while offset is not None:
        part = look(client, run, "a.txt", offset=offset, limit=101)
        assert (part["kind"], part["offset"]) == ("text", offset)
        found, offset = found + part["text"], part["next_offset"]
    assert found == text


def test_a_windows_end_is_a_lines_end_where_one_is_near(root, client):
    run = record(root, train__py=b"import os\n" * 100)
    part = look(client, run, "train.py", limit=95)
    assert (part["next_offset"], part["text"]) == (90, "import os\n" * 9)


def test_bytes_are_shown_as_bytes(root, client):
    run = record(root, a__bin=bytes(range(256)))
    part = look(client, run, "a.bin", offset=250, limit=100)
    assert (part["kind"], part["hex"], part["size"]) == ("binary", "fafbfcfdfeff", 256)


def test_json_is_shown_as_what_it_says(root, client):
    run = record(root, a__json=b'{"a": [1, NaN, "<b>"], "big": 123456789012345678901}', bad__json=b"{oops")
    assert look(client, run, "a.json")["value"] == {"a": [1, "NaN", "<b>"], "big": "123456789012345678901"}
    assert look(client, run, "bad.json")["kind"] == "text"


def test_rows_of_a_table_are_found_wherever_they_stand(root, client):
    rows = "".join(f'{n},"two\nlines ""{n}"""\n' for n in range(5000))
    run = record(root, a__csv=f"\ufeffn,text\n{rows}".encode())
    for offset in (0, 4999, 2500, 1000, 999):
        part = look(client, run, "a.csv", offset=offset, limit=2)
        assert part["columns"] == ["n", "text"]
        assert part["rows"][0] == [str(offset), f'two\nlines "{offset}"']
    assert look(client, run, "a.csv", offset=4998, limit=100)["total_rows"] == 5000
    assert look(client, run, "a.csv", offset=9000)["rows"] == []


def test_a_large_table_is_not_read_to_its_end(root, client):
    run = record(root, a__csv=b"a;b\n" + b"1;2\n" * 100_000)
    part = look(client, run, "a.csv", limit=5)
    assert (part["columns"], part["rows"][0], part["total_rows"]) == (["a", "b"], ["1", "2"], None)


def test_what_is_called_a_table_and_is_none_is_said(root, client):
    run = record(root, a__csv=b'"' + b"x" * (17 * 1024 * 1024), empty__csv=b"")
    answer = client.get(f"/api/v1/runs/{run}/preview?path=a.csv")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "preview.table")
    assert look(client, run, "empty.csv")["rows"] == []


def write_parquet(columns, **more):
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer, **more)
    return buffer.getvalue()


def test_a_parquet_file_of_several_row_groups_is_read_by_pages(root, client):
    rows = 100_000
    moment = dt.datetime(2026, 11, 24, 10, 30, tzinfo=dt.UTC)
    columns = {"n": range(rows), "score": np.arange(rows) / 8, "at": [moment] * rows, "tags": [["a", "b"]] * rows}
    odd = {"score": [math.nan, None, *columns["score"][2:]]}
    run = record(root, a__parquet=write_parquet(columns | odd, row_group_size=30_000))
    first = look(client, run, "a.parquet", limit=2)
    assert (first["columns"], first["total_rows"]) == (["n", "score", "at", "tags"], rows)
    assert first["rows"] == [[0, "NaN", str(moment), ["a", "b"]], [1, None, str(moment), ["a", "b"]]]
    for offset in (29_999, 30_000, 59_950, 89_999, 99_999):  # a page may lie in two groups
        part = look(client, run, "a.parquet", offset=offset, limit=100)
        assert [row[0] for row in part["rows"]] == list(range(offset, min(offset + 100, rows)))
        assert part["rows"][0][1] == offset / 8
    assert look(client, run, "a.parquet", offset=rows)["rows"] == []


class CountedFile(io.BytesIO):
    """Counts what is read of it."""

    taken = 0

    def read(self, size=-1):
        data = super().read(size)
        self.taken += len(data)
        return data


def test_of_a_parquet_file_only_the_row_groups_of_a_page_are_read():
    values = np.random.default_rng(0).normal(size=200_000)
    file = CountedFile(write_parquet({"x": values}, row_group_size=20_000, compression="none", use_dictionary=False))
    page = read_parquet(file, 0, "", offset=110_000, limit=100)
    assert [row[0] for row in page.rows] == values[110_000:110_100].tolist()
    assert file.taken < len(file.getvalue()) / 5  # one group of ten, and the footer


@pytest.mark.parametrize("data", [b"PAR1", b"PAR1" * 100, b""])
def test_what_is_called_parquet_and_is_none_is_said(root, client, data):
    run = record(root, a__parquet=data)
    answer = client.get(f"/api/v1/runs/{run}/preview?path=a.parquet")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "preview.table")
    assert "Download it" in answer.text


@pytest.mark.parametrize("asked", [{"offset": 10**30}, {"offset": 2**53 + 1}, {"limit": 10**30}, {"offset": -1}])
def test_a_page_beyond_all_numbers_is_refused(root, client, asked):
    run = record(root, a__txt=b"text")
    answer = client.get(f"/api/v1/runs/{run}/preview", params={"path": "a.txt"} | asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "request.invalid")


@pytest.mark.parametrize("name", ["a.txt", "a.bin", "a.csv", "a.parquet", "a.npz"])
def test_a_page_far_behind_the_end_is_empty(root, client, name):
    arrays = io.BytesIO()
    np.savez(arrays, w=np.zeros(3))
    contents = (b"text", b"\0\1\2", b"a,b\n1,2\n", write_parquet({"n": [1]}), arrays.getvalue())
    names = ("a__txt", "a__bin", "a__csv", "a__parquet", "a__npz")
    run = record(root, **dict(zip(names, contents, strict=True)))
    page = look(client, run, name, offset=2**53)
    assert not any(page.get(part) for part in ("rows", "text", "hex", "tensors"))


def test_arrays_are_listed_by_their_headers(root, client):
    buffer, single = io.BytesIO(), io.BytesIO()
    np.savez_compressed(buffer, w=np.zeros((3, 4), np.float32), b=np.zeros(7, np.int64), u=np.array(["ab"]))
    np.save(single, np.zeros((2, 2), np.float16))
    run = record(root, a__npz=buffer.getvalue(), b__npy=single.getvalue())
    found = look(client, run, "a.npz")
    assert [(t["name"], t["dtype"], t["shape"], t["size"]) for t in found["tensors"]] == [
        ("w", "<f4", [3, 4], 48),
        ("b", "<i8", [7], 56),
        ("u", "<U2", [1], 8),
    ]
    assert look(client, run, "b.npy")["tensors"] == [{"name": "", "dtype": "<f2", "shape": [2, 2], "size": 8}]


def test_safetensors_are_listed_by_their_header(root, client):
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
            "b": {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]},
        }
    ).encode()
    run = record(root, a__safetensors=struct.pack("<Q", len(header)) + header + bytes(26))
    found = look(client, run, "a.safetensors", offset=1)
    assert (found["total"], found["metadata"]) == (2, {"format": "pt"})
    assert found["tensors"] == [{"name": "b", "dtype": "BF16", "shape": [], "size": 2}]


def test_a_models_graph_is_read_without_its_weights(root, client):
    run = record(root, a__onnx=build_onnx(weights=bytes(400_000)))
    found = look(client, run, "a.onnx")
    assert (found["producer"], found["opsets"], found["graph"]) == ("torch 2.1", {"ai.onnx": 17}, "main")
    assert found["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["batch", "3"]}]
    assert found["outputs"] == [{"name": "y", "dtype": "float32", "shape": ["batch"]}]
    assert found["operators"] == {"Gemm": 2, "Relu": 1}
    assert (found["total"], found["tensors"][0]["shape"], found["tensors"][0]["name"]) == (1, [100_000, 1], "weight")


@pytest.mark.parametrize("name", ["a__npz", "a__npy", "a__safetensors", "a__onnx", "a__ipynb"])
@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 100, b"\xff" * 100, b"PK\x03\x04nonsense", b"{}", b"\x93NUMPY\x01\x00\xff\xff{"]
)
def test_what_is_not_what_its_name_says_is_refused_with_a_reason(root, client, name, data):
    run = record(root, **{name: data})
    answer = client.get(f"/api/v1/runs/{run}/preview", params={"path": name.replace("__", ".")})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"].startswith("preview.")


def test_a_header_that_claims_gigabytes_is_not_believed(root, client):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 31) + bytes(1 << 20))
    run = record(root, a__npz=bomb.getvalue(), b__safetensors=struct.pack("<Q", 1 << 40) + b"{}")
    for path in ("a.npz", "b.safetensors"):
        assert client.get(f"/api/v1/runs/{run}/preview?path={path}").json()["error"]["code"] == "preview.tensors"


def test_a_notebook_is_cells_with_text_and_images_alone(root, client):
    image = base64.b64encode(b"\x89PNG").decode()
    cells = [
        {"cell_type": "markdown", "source": ["# <b>Title</b>\n", "text"]},
        {
            "cell_type": "code",
            "execution_count": 3,
            "source": "plot()",
            "outputs": [
                {"output_type": "stream", "text": ["a\n", "b"]},
                {"output_type": "display_data", "data": {"image/png": image, "text/html": SCRIPT.decode()}},
                {"output_type": "execute_result", "data": {"text/html": SCRIPT.decode()}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t1", "t2"]},
            ],
        },
    ]
    document = {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}
    run = record(root, a__ipynb=json.dumps(document).encode())
    answer = client.get(f"/api/v1/runs/{run}/preview?path=a.ipynb")
    found = answer.json()
    assert (found["kind"], found["language"], found["total"]) == ("notebook", "python", 2)
    code = found["cells"][1]
    assert [(o["media_type"], o["data"]) for o in code["outputs"]] == [
        ("text/plain", "a\nb"),
        ("image/png", image),
        ("text/plain", "t1\nt2"),
    ]
    assert (code["execution_count"], code["left_out"]) == (3, 1)
    assert "script" not in answer.text


@pytest.mark.parametrize(
    ("name", "media_type"), [("a__png", "image/png"), ("a__mp4", "video/mp4"), ("a__pdf", "application/pdf")]
)
def test_what_a_browser_shows_by_itself_is_named_with_its_address(root, client, name, media_type):
    run = record(root, **{name: b"content"})
    found = look(client, run, name.replace("__", "."))
    assert (found["kind"], found["media_type"]) == ("media", media_type)
    answer = client.get(found["url"])
    assert (answer.content, answer.headers["content-type"]) == (b"content", media_type)
    assert answer.headers["content-disposition"].startswith("inline")
