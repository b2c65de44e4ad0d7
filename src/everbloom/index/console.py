"""What runs printed: compressed chunks, each with a Bloom filter of its trigrams, so that a search opens few.

Text arrives in the order of one writer's journal. The last chunk of a writer is open and plain; at 256 KiB it is
sealed: compressed, and given a filter of 131,072 bits over the UTF-8 trigrams of its case-folded text.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from everbloom.core.values import fold_text
from everbloom.index.engine import Database

CHUNK_BYTES = 256 * 1024
BLOOM_BITS = 1 << 17
_HASH = np.uint64(0x9E37_79B9_7F4A_7C15)

_TABLES = (
    """CREATE TABLE IF NOT EXISTS console (
        run {text} NOT NULL, writer {text} NOT NULL, chunk {int} NOT NULL, started {int} NOT NULL,
        lines {int} NOT NULL, size {int} NOT NULL, is_sealed {int} NOT NULL, data {blob} NOT NULL,
        PRIMARY KEY (run, writer, chunk))""",
    """CREATE TABLE IF NOT EXISTS console_bloom (
        run {text} NOT NULL, writer {text} NOT NULL, chunk {int} NOT NULL, bits {blob} NOT NULL,
        PRIMARY KEY (run, writer, chunk))""",
)


class ConsoleMatch(NamedTuple):
    """A line that holds what was looked for; lines of a run are numbered from 1."""

    run: str
    line: int
    text: str


class ConsoleStore:
    """Console text in one database; shares the catalog's connection and transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def ensure_schema(self) -> None:
        """Create the tables that are missing."""
        self.database.create(*_TABLES)

    def append_text(self, run: str, writer: str, texts: Sequence[tuple[int, str]]) -> None:
        """Append (time in microseconds, text) of one writer in order, within the caller's transaction."""
        chunk, started, pending = self._read_open(run, writer)
        for time_us, text in texts:
            started = started or time_us
            pending += text
            while len(pending) >= CHUNK_BYTES:
                head, pending = _split_at_line(pending, CHUNK_BYTES)
                self._write_sealed(run, writer, chunk, started, head)
                chunk, started = chunk + 1, time_us
        self._write_chunk(run, writer, chunk, started, pending, is_sealed=False)

    def _read_open(self, run: str, writer: str) -> tuple[int, int, str]:
        rows = self.database.execute(
            "SELECT chunk, started, is_sealed, data FROM console WHERE run = ? AND writer = ? "
            "ORDER BY chunk DESC LIMIT 1",
            (run, writer),
        )
        if not rows:
            return 0, 0, ""
        chunk, started, is_sealed, data = rows[0]
        return (chunk + 1, 0, "") if is_sealed else (chunk, started, data.decode())

    def _write_sealed(self, run: str, writer: str, chunk: int, started: int, text: str) -> None:
        self._write_chunk(run, writer, chunk, started, text, is_sealed=True)
        self.database.execute(
            "INSERT INTO console_bloom (run, writer, chunk, bits) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (run, writer, chunk) DO UPDATE SET bits = excluded.bits",
            (run, writer, chunk, zlib.compress(build_bloom(text).tobytes(), 1)),
        )

    def _write_chunk(self, run: str, writer: str, chunk: int, started: int, text: str, *, is_sealed: bool) -> None:
        data = text.encode()
        stored = zlib.compress(data, 6) if is_sealed else data
        self.database.execute(
            "INSERT INTO console (run, writer, chunk, started, lines, size, is_sealed, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, writer, chunk) DO UPDATE SET "
            "started = excluded.started, "
            "lines = excluded.lines, size = excluded.size, is_sealed = excluded.is_sealed, data = excluded.data",
            (run, writer, chunk, started, text.count("\n"), len(data), int(is_sealed), stored),
        )

    def iter_text(self, run: str) -> Iterator[str]:
        """Yield a run's console chunk by chunk, one writer after the other."""
        for writer, chunk in self._read_chunks(run):
            yield self._read_text(run, writer, chunk)

    def _read_chunks(self, run: str) -> list[tuple[str, int]]:
        rows = self.database.execute(
            "SELECT writer, chunk FROM console WHERE run = ? ORDER BY "
            "(SELECT MIN(c.started) FROM console c WHERE c.run = console.run AND c.writer = console.writer), "
            "writer, chunk",
            (run,),
        )
        return [(writer, chunk) for writer, chunk in rows]

    def _read_text(self, run: str, writer: str, chunk: int) -> str:
        is_sealed, data = self.database.execute(
            "SELECT is_sealed, data FROM console WHERE run = ? AND writer = ? AND chunk = ?", (run, writer, chunk)
        )[0]
        return (zlib.decompress(data) if is_sealed else data).decode()

    def read_tail(self, run: str, lines: int) -> str:
        """Return the last lines that a run printed; reads no more chunks than that takes."""
        found = ""
        for writer, chunk in reversed(self._read_chunks(run)):
            found = self._read_text(run, writer, chunk) + found
            if found.count("\n") > lines:
                break
        return "".join(found.splitlines(keepends=True)[-lines:]) if lines else ""

    def count_lines(self, run: str) -> int:
        """Return how many whole lines a run printed."""
        return int(self.database.execute("SELECT COALESCE(SUM(lines), 0) FROM console WHERE run = ?", (run,))[0][0])

    def find_lines(self, run: str, needle: str) -> Iterator[ConsoleMatch]:
        """Yield a run's lines that hold the text, whatever its case, in order."""
        folded = fold_text(needle)
        wanted = bloom_places(folded)
        blooms = self._read_blooms([run])
        before = 0
        for writer, chunk in self._read_chunks(run):
            if may_hold(blooms.get((run, writer, chunk)), wanted):
                text = self._read_text(run, writer, chunk)
                for number, line in enumerate(text.split("\n"), before + 1):
                    if folded in fold_text(line):
                        yield ConsoleMatch(run, number, line)
                before += text.count("\n")
            else:
                before += self._count_chunk_lines(run, writer, chunk)

    def _count_chunk_lines(self, run: str, writer: str, chunk: int) -> int:
        rows = self.database.execute(
            "SELECT lines FROM console WHERE run = ? AND writer = ? AND chunk = ?", (run, writer, chunk)
        )
        return int(rows[0][0])

    def _read_blooms(self, runs: Sequence[str]) -> dict[tuple[str, str, int], bytes]:
        marks = ", ".join("?" * len(runs))
        rows = self.database.execute(
            f"SELECT run, writer, chunk, bits FROM console_bloom WHERE run IN ({marks})", tuple(runs)
        )
        return {(run, writer, chunk): bits for run, writer, chunk, bits in rows}

    def find_runs(self, needle: str, *, batch: int = 2048) -> set[str]:
        """Return the runs that printed the text, whatever its case: filters first, then the chunks they leave."""
        folded = fold_text(needle)
        wanted = bloom_places(folded)
        found: set[str] = set()
        last: tuple[str, str, int] = ("", "", -1)
        while True:
            rows = self.database.execute(
                "SELECT c.run, c.writer, c.chunk, b.bits FROM console c LEFT JOIN console_bloom b "
                "ON b.run = c.run AND b.writer = c.writer AND b.chunk = c.chunk "
                "WHERE (c.run, c.writer, c.chunk) > (?, ?, ?) ORDER BY c.run, c.writer, c.chunk LIMIT ?",
                (*last, batch),
            )
            for run, writer, chunk, bits in rows:
                if (
                    run not in found
                    and may_hold(bits, wanted)
                    and folded in fold_text(self._read_text(run, writer, chunk))
                ):
                    found.add(run)
            if len(rows) < batch:
                return found
            last = rows[-1][:3]


def _split_at_line(text: str, size: int) -> tuple[str, str]:
    """Cut behind the last line feed before `size`, or at it in a line that is longer."""
    at = text.rfind("\n", 0, size) + 1 or size
    return text[:at], text[at:]


def _trigram_places(folded: str) -> NDArray[np.uint64]:
    data = np.frombuffer(folded.encode(), np.uint8).astype(np.uint64)
    if len(data) < 3:
        return np.zeros(0, np.uint64)
    trigrams = np.unique(data[:-2] << np.uint64(16) | data[1:-1] << np.uint64(8) | data[2:])
    return (trigrams * _HASH) >> np.uint64(64 - 17)


def build_bloom(text: str) -> NDArray[np.uint8]:
    """Return the filter of a text: `BLOOM_BITS` bits, one for each trigram of its case-folded UTF-8."""
    bits = np.zeros(BLOOM_BITS, np.uint8)
    bits[_trigram_places(fold_text(text))] = 1
    return np.packbits(bits)


def bloom_places(folded: str) -> NDArray[np.uint64]:
    """Return the bits that a filter must have for a text that holds `folded`; none under three bytes."""
    return _trigram_places(folded)


def may_hold(bits: bytes | None, places: NDArray[np.uint64]) -> bool:
    """Tell whether a chunk with that filter may hold the text; one without filter may hold anything."""
    if bits is None or not len(places):
        return True
    packed = np.frombuffer(zlib.decompress(bits), np.uint8)
    return bool((packed[places >> np.uint64(3)] >> (np.uint64(7) - (places & np.uint64(7))).astype(np.uint8) & 1).all())
