"""The golden pack: written once by this version, readable for ever, and by the specification alone."""

import struct
import zlib
from pathlib import Path

import msgspec
import numpy as np
import xxhash
from pcodec import standalone

from everbloom.ingest.packing import iter_packed_batches
from everbloom.journal.pack import PackReader
from everbloom.testing.journals import to_reading

GOLDEN = Path(__file__).with_name("pack-v1.pack")
EXPECTED = Path(__file__).with_name("pack-v1.json")


def as_json(items):
    return msgspec.json.decode(msgspec.json.encode(items))


def test_the_golden_pack_reads_as_it_did():
    expected = msgspec.json.decode(EXPECTED.read_bytes())
    with PackReader(GOLDEN) as pack:
        pack.verify()
        assert pack.contents.run == expected["run"]
        told = {p.writer: to_reading(list(iter_packed_batches(pack, p))) for p in pack.contents.journals}
    assert {writer: as_json(reading.items) for writer, reading in told.items()} == expected["journals"]


def test_the_golden_pack_reads_by_the_specification_alone():
    data = GOLDEN.read_bytes()
    expected = msgspec.json.decode(EXPECTED.read_bytes())
    table = read_table(data)
    assert table["run"] == expected["run"] == data[16:32].hex()
    for journal in table["journals"]:
        items = sorted([*read_controls(data, journal), *read_rows(data, journal)], key=lambda pair: pair[0])
        assert as_json([item for _, item in items]) == expected["journals"][journal["writer"]]


def read_table(data):
    assert data[:8] == b"\x89EVBK\r\n\x1a"
    at, length, table_check, body_check = struct.unpack("<QQQQ", data[-40:-8])
    assert data[-8:] == b"EVBK-END"
    assert at + length + 40 == len(data)
    assert xxhash.xxh3_64_intdigest(data[at : at + length]) == table_check
    assert xxhash.xxh3_64_intdigest(data[:at]) == body_check
    return msgspec.msgpack.decode(data[at : at + length])


def read_blob(data, place):
    at, length = place
    blob = data[at : at + length]
    assert struct.unpack("<Q", data[at - 8 : at]) == (xxhash.xxh3_64_intdigest(blob),)
    return blob


def read_controls(data, journal):
    for place in journal["controls"]:
        stream, at = zlib.decompress(read_blob(data, place)), 0
        while at < len(stream):
            position, rows_before, length = struct.unpack_from("<QQI", stream, at)
            tag, time, body = msgspec.msgpack.decode(stream[at + 20 : at + 20 + length])
            yield (rows_before, 0, position), (tag, time, body)
            at += 20 + length


def read_rows(data, journal):
    for group in journal["groups"]:
        for chunk in group["chunks"]:
            steps, times, ordinals = read_axis(read_blob(data, chunk["axis"]))
            columns = [standalone.simple_decompress(read_blob(data, place)) for place in chunk["values"]]
            for i in range(chunk["rows"]):
                numbers = {n: repr(float(c[i])) for n, c in zip(group["names"], columns, strict=True)}
                yield (ordinals[i], 1, 0), ("row", steps[i], times[i], numbers)


def read_axis(blob):
    version, rows = struct.unpack_from("<BI", blob)
    assert version == 1
    at, columns = 5, []
    for _ in range(3):
        if blob[at] == 0:
            start, difference = struct.unpack_from("<qq", blob, at + 1)
            wrapped = [(start + difference * i + 2**63) % 2**64 - 2**63 for i in range(rows)]
            columns.append(wrapped)
            at += 17
        else:
            (length,) = struct.unpack_from("<I", blob, at + 1)
            column = standalone.simple_decompress(blob[at + 5 : at + 5 + length])
            assert column.dtype == np.int64
            columns.append(column.tolist())
            at += 5 + length
    assert at == len(blob)
    return columns
