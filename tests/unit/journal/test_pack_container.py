"""The container of a pack: what goes in comes out, and no damage goes unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.core.errors import Corrupt, Unavailable, UnsupportedVersion
from everbloom.core.ids import RunId
from everbloom.journal.pack import (
    CONTROLS_BYTES,
    ColumnChunk,
    ColumnGroup,
    Contents,
    JournalPart,
    PackedControl,
    PackedDamage,
    PackReader,
    PackWriter,
    iter_packs,
    publish_pack,
)

RUN = RunId("0190a000000070008000000000000001")


def make_part(controls, groups=(), writer="a" * 16) -> JournalPart:
    return JournalPart(
        writer=writer,
        segment=1,
        byte=777,
        rows=5,
        is_closed=True,
        header=b"h" * 64,
        controls=controls,
        groups=list(groups),
        damage=[PackedDamage(0, 64, 3, "torn")],
        rounded=2,
    )


TWO_CONTROLS = (PackedControl(64, 0, b"start"), PackedControl(99, 5, b"end"))


def write_small(path, *, controls=TWO_CONTROLS) -> JournalPart:
    with PackWriter(path, RUN) as pack:
        chunk = ColumnChunk(5, pack.add_blob(b"axis"), [pack.add_blob(b"values"), pack.add_blob(b"")])
        part = make_part(pack.add_controls(controls), [ColumnGroup(["a", "b"], [chunk])])
        pack.finish(Contents(RUN, [part]))
    return part


def test_a_pack_gives_back_what_was_put_in(tmp_path):
    part = write_small(tmp_path / "p")
    with PackReader(tmp_path / "p") as pack:
        assert pack.contents == Contents(RUN, [part])
        (chunk,) = part.groups[0].chunks
        assert [pack.read_blob(place) for place in (chunk.axis, *chunk.values)] == [b"axis", b"values", b""]
        assert list(pack.iter_controls(part)) == [PackedControl(64, 0, b"start"), PackedControl(99, 5, b"end")]
        pack.verify()


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=300))))
def test_control_records_come_back_verbatim(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("pack") / "p"
    part = write_small(path, controls=[PackedControl(*record) for record in records])
    with PackReader(path) as pack:
        assert list(pack.iter_controls(part)) == records


def test_many_control_records_stand_in_several_blobs(tmp_path):
    controls = [PackedControl(i, i, bytes([i % 256]) * 60_000) for i in range(CONTROLS_BYTES // 60_000 * 3)]
    part = write_small(tmp_path / "p", controls=controls)
    assert len(part.controls) == 3
    with PackReader(tmp_path / "p") as pack:
        assert list(pack.iter_controls(part)) == controls


def test_a_pack_cut_anywhere_is_refused(tmp_path):
    write_small(tmp_path / "p")
    whole = (tmp_path / "p").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(Corrupt):
            PackReader(tmp_path / "cut")


def test_a_flipped_bit_anywhere_is_found(tmp_path):
    write_small(tmp_path / "p")
    whole = (tmp_path / "p").read_bytes()
    unused = range(12, 16)  # reserved, and part of the body's check
    for at in range(len(whole)):
        (tmp_path / "bad").write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises((Corrupt, UnsupportedVersion)):
            read_all(tmp_path / "bad")
        assert at not in unused or whole[at] == 0


def read_all(path) -> None:
    with PackReader(path) as pack:
        pack.verify()


def test_a_blob_tells_its_damage_without_reading_the_rest(tmp_path):
    part = write_small(tmp_path / "p")
    at = part.groups[0].chunks[0].values[0][0]
    whole = bytearray((tmp_path / "p").read_bytes())
    whole[at] ^= 1
    (tmp_path / "p").write_bytes(whole)
    with PackReader(tmp_path / "p") as pack:
        assert pack.read_blob(part.groups[0].chunks[0].axis) == b"axis"
        with pytest.raises(Corrupt) as caught:
            pack.read_blob(part.groups[0].chunks[0].values[0])
    assert caught.value.code == "pack.check"


@pytest.mark.parametrize("place", [(0, 4), (39, 1), (40, 10**9), (10**12, 1)])
def test_a_place_outside_of_the_blobs_is_refused(tmp_path, place):
    write_small(tmp_path / "p")
    with PackReader(tmp_path / "p") as pack, pytest.raises(Corrupt) as caught:
        pack.read_blob(place)
    assert caught.value.code == "pack.place"


def test_a_newer_pack_is_refused_by_version(tmp_path):
    write_small(tmp_path / "p")
    whole = bytearray((tmp_path / "p").read_bytes())
    whole[8] = 2
    (tmp_path / "p").write_bytes(whole)
    with pytest.raises(UnsupportedVersion) as caught:
        PackReader(tmp_path / "p")
    assert caught.value.code == "pack.version"
    assert (caught.value.fields["version"], caught.value.fields["supported"]) == (2, 1)


def test_fields_of_a_newer_minor_version_are_passed_over(tmp_path):
    import msgspec

    table = {"run": RUN, "journals": [], "later": {"x": 1}}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(table), type=Contents) == Contents(RUN, [])


def test_adding_to_a_pack_keeps_every_offset(tmp_path):
    part = write_small(tmp_path / "old")
    with PackWriter(tmp_path / "new", RUN, base=tmp_path / "old") as pack:
        added = make_part([], [ColumnGroup(["a"], [ColumnChunk(1, pack.add_blob(b"later"), [])])], writer="b" * 16)
        pack.finish(Contents(RUN, [part, added]))
    with PackReader(tmp_path / "new") as pack:
        pack.verify()
        assert [pack.read_blob(chunk.axis) for p in pack.contents.journals for chunk in p.groups[0].chunks] == [
            b"axis",
            b"later",
        ]


def test_a_damaged_pack_is_not_added_to(tmp_path):
    write_small(tmp_path / "old")
    whole = bytearray((tmp_path / "old").read_bytes())
    whole[45] ^= 1
    (tmp_path / "old").write_bytes(whole)
    with pytest.raises(Corrupt):
        PackWriter(tmp_path / "new", RUN, base=tmp_path / "old")


def test_a_pack_whose_writing_failed_leaves_no_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), PackWriter(tmp_path / "p", RUN):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(Unavailable) as caught:
        PackWriter(tmp_path / "nowhere" / "p", RUN)
    assert caught.value.code == "root.vanished"


def test_packs_are_found_by_a_scan(tmp_path):
    assert list(iter_packs(tmp_path)) == []
    path = tmp_path / "packs" / "01" / f"{RUN}.pack"
    path.parent.mkdir(parents=True)
    write_small(path.with_suffix(".part"))
    assert list(iter_packs(tmp_path)) == []
    publish_pack(path.with_suffix(".part"), path)
    assert list(iter_packs(tmp_path)) == [RUN]
