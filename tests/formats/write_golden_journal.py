"""Write the golden journals of format 1: every record type, odd rows, a sealed block, a closed and an open end.

    python tests/formats/write_golden_journal.py

Run it when the format gains something. What stands there is never written again, only read.
"""

import json
import math
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from everbloom.core.ids import RunId
from everbloom.core.records import (
    Command,
    Console,
    Edit,
    End,
    ExceptionInfo,
    File,
    Heartbeat,
    Like,
    Limits,
    Link,
    Media,
    Note,
    Params,
    Problem,
    Record,
    Reference,
    Rewind,
    Set,
    Start,
    Tag,
    Unknown,
)
from everbloom.journal.writer import JournalWriter
from everbloom.testing.journals import journal_of, open_journal, read_journal

FOLDER = Path(__file__).parent / "journal-v1"
RUN = RunId("0192f0c1a2b37c4d8e5f60718293a4b5")
TIME_US = 1_750_000_000_000_000
RECORDS: tuple[Record, ...] = (
    Set(fields={"name": "amber-heron-a4b5", "project": "news", "objectives": {"val/acc": "max"}, "seed": 7}),
    Params(values={"lr": 3e-4, "depth": 6, "opt.name": "adam", "bias": True, "note": None, "big": 2**62}),
    Tag(add=["baseline", "überprüft 🌱"], remove=["draft"]),
    Like(target="metric:val/acc", user="ada"),
    Note(text="# Why\nlonger context", append=True, base=3),
    Link(url="https://example.org/ticket/7", title="Ticket 7", kind="ticket"),
    Media(name="samples", kind="image", step=3, media_type="image/png", size=4, data=b"\x89PNG", meta={"width": 1}),
    Media(name="clip", kind="audio", step=-1, media_type="audio/wav", size=10**9, sha256="ab" * 32, caption="a bell"),
    File(path="out/model.pt", sha256="cd" * 32, size=123_456, kind="model", step=900),
    Reference(uri="s3://bucket/key", path="data", size=10, checksum="etag:1", kind="dataset"),
    Command(
        argv=["python", "train.py", "--lr", "0.1"], cwd="/home/ada", executable="/usr/bin/python3", python="3.11.7"
    ),
    Console(text="epoch 1 of 3\n" * 4300, stream="out", offset=55_900),
    Console(text="epoch 2 of 3\n" * 900, stream="err", offset=67_600),
    Heartbeat(number=41),
    Limits(values={"system/memory.bytes": 8e9}),
    Problem(code="value.not_scalar", message="metric 'x' is a list", count=12),
    Rewind(step=500),
    Edit(run=RUN, author="ada", tag="note", body=msgspec.Raw(msgspec.msgpack.encode({"text": "later"}))),
    Unknown(tag="from.tomorrow", body=msgspec.Raw(msgspec.msgpack.encode({"shade": [1, {"x": None}]}))),
    Unknown(tag="end", body=msgspec.Raw(msgspec.msgpack.encode({"state": "hibernated"}))),
    End(
        state="failed",
        cause="exception",
        witness="process",
        explicit=True,
        exit_code=1,
        exception=ExceptionInfo(type="ValueError", message="no", traceback="Traceback …"),
    ),
)
ROWS: tuple[tuple[int, dict[str, float]], ...] = (
    (0, {"train/loss": 0.5, "val/acc": 0.25}),
    (1, {"train/loss": 0.25, "val/acc": 0.5}),
    (2, {"val/acc": 0.75, "train/loss": 0.125}),
    (2, {"train/loss": math.nan, "val/acc": math.inf}),
    (-5, {"train/loss": -math.inf, "val/acc": -0.0}),
    (2**62, {"n": 127, "m": -32}),
    (-(2**62), {"n": 128, "m": -33}),
    (300, {"n": 65_536, "m": -(2**31)}),
    (70_000, {"n": 2**53 + 1, "m": -(2**63)}),
    (5, {"a b": 1.5, 'quo"te': 2, "emoji 🌱/x": 3, "x" * 300: 4}),
)


def write(folder: Path, *, is_mapped: bool, is_closed: bool) -> None:
    """Write one journal and take its only segment."""
    with tempfile.TemporaryDirectory() as root:
        writer = open_journal(Path(root), is_mapped=is_mapped, run=RUN)
        for i, (step, values) in enumerate(ROWS):
            writer.append_row(step, TIME_US + i, values)
            writer.append(RECORDS[i], time_us=TIME_US + i)
        for i, record in enumerate(RECORDS[len(ROWS) :]):
            writer.append(record, time_us=TIME_US + 1000 + i)
        for step in range(50):
            writer.append_row(step, TIME_US + 2000 + step, {"train/loss": step / 8, "val/acc": step})
        if is_closed:
            writer.close()
        else:
            writer.abandon()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(journal_of(Path(root), writer) / "0.seg", folder / "0.seg")


def write_resumed(folder: Path) -> None:
    """Write the journal of a rank that resumes a fork: what says which session is meant, where it is not the first."""
    with tempfile.TemporaryDirectory() as root:
        start = Start(kind="rank", rank=3, pid=4711, host="node-4", user="ada", version="0.1", session=2)
        writer = JournalWriter(Path(root), RUN, is_mapped=True)
        journal_of(Path(root), writer).mkdir(parents=True)
        writer.append(start, time_us=TIME_US)
        writer.append(
            Reference(uri=f"everbloom:{RUN}", kind="fork", checksum="step 500", session=1), time_us=TIME_US + 1
        )
        writer.append(Rewind(step=400), time_us=TIME_US + 2)
        writer.append_row(401, TIME_US + 3, {"train/loss": 0.5})
        writer.close()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(journal_of(Path(root), writer) / "0.seg", folder / "0.seg")


def describe(journal: Path) -> dict[str, Any]:
    """Return what a journal says, as JSON can hold it: numbers as Python prints them, bytes as hex."""
    reading = read_journal(journal)
    assert not reading.damage
    return {"items": [to_plain(item) for item in reading.items], "is_closed": reading.is_closed}


def to_plain(value: Any) -> Any:
    """Turn an item into what JSON can hold."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {name: to_plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(inner) for inner in value]
    return value


def main() -> None:
    """Write the journals that are not there yet, and what all of them mean."""
    writers = {
        "closed": partial(write, is_mapped=True, is_closed=True),
        "open": partial(write, is_mapped=False, is_closed=False),
        "resumed": write_resumed,
    }
    for name, write_to in writers.items():
        if not (FOLDER / name).exists():
            write_to(FOLDER / name)
    meaning = {name: describe(FOLDER / name) for name in writers}
    (FOLDER / "expected.json").write_text(json.dumps(meaning, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
