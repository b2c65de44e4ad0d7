"""The golden pack: written once by this version, readable for ever, and by the specification alone."""

import base64
from pathlib import Path

import msgspec

from everbloom.ingest.packing import iter_packed_batches
from everbloom.journal.pack import PackReader
from everbloom.testing.journals import to_reading
from everbloom.testing.minimal_pack_reader import read_files, read_pack, read_table

GOLDEN = Path(__file__).with_name("pack-v1.pack")
EXPECTED = Path(__file__).with_name("pack-v1.json")


def as_json(items):
    return msgspec.json.decode(msgspec.json.encode(items))


def read_expected():
    expected = msgspec.json.decode(EXPECTED.read_bytes())
    return expected | {"files": {name: base64.b64decode(data) for name, data in expected["files"].items()}}


def test_the_golden_pack_reads_as_it_did():
    expected = read_expected()
    with PackReader(GOLDEN) as pack:
        pack.verify()
        assert pack.contents.run == expected["run"]
        told = {p.writer: to_reading(list(iter_packed_batches(pack, p))) for p in pack.contents.journals}
        files = {file.sha256: pack.read_blob(file.place) for file in pack.iter_files()}
        assert {name: pack.read_blob(pack.find_file(name)) for name in expected["files"]} == files
    assert {writer: as_json(reading.items) for writer, reading in told.items()} == expected["journals"]
    assert files == expected["files"]


def test_the_golden_pack_reads_by_the_specification_alone():
    data, expected = GOLDEN.read_bytes(), read_expected()
    assert read_table(data)["run"] == expected["run"]
    assert as_json(read_pack(data)) == expected["journals"]
    assert read_files(data) == expected["files"]


def test_the_golden_pack_holds_what_the_format_can():
    expected = read_expected()
    sizes = sorted(len(data) for data in expected["files"].values())
    assert (sizes[0], len(sizes) > 2) == (0, True)
    assert len(expected["journals"]) == 2
    tags = {item[0] for items in expected["journals"].values() for item in items}
    assert {"row", "start", "blob", "media", "end"} <= tags
