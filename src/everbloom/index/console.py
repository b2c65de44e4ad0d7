"""What runs printed: compressed chunks, each with a Bloom filter of its trigrams, so that a search opens few.

Text arrives in the order of one writer's journal. The last chunk of a writer is open and plain; at 256 Ki characters
it is sealed behind a line, or within one that is longer: compressed, and given a filter of 131,072 bits over the
UTF-8 trigrams of its case-folded text. What lies across a cut is found as well. Writers stand one behind the other,
in the order in which they began; where one's last line is unfinished, it ends before the next one's first.
"""

import itertools
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from everbloom.core.values import fold_text
from everbloom.index.engine import Database

CHUNK_CHARS = 256 * 1024
_LOOKED_AT_CHARS = 16 * 1024 * 1024
BLOOM_BITS = 1 << 17
_HASH = np.uint64(0x9E37_79B9_7F4A_7C15)
_OPEN, _SEALED, _CUT = 0, 1, 2  # `is_sealed` of a chunk; cut = sealed within a line
_CROSSING = 2  # so many trigrams of a text lie across one cut, in neither chunk

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


class _Chunk(NamedTuple):
    """Where a chunk stands, and what its text is like."""

    writer: str
    number: int
    state: int
    lines: int
    ends_line: bool = False  # a line feed is missing behind it


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
            while len(pending) >= CHUNK_CHARS:
                head, pending = _split_at_line(pending, CHUNK_CHARS)
                self._write_sealed(run, writer, chunk, started, head)
                chunk, started = chunk + 1, time_us
        self._write_chunk(run, writer, chunk, started, pending, _OPEN)

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
        self._write_chunk(run, writer, chunk, started, text, _SEALED if text.endswith("\n") else _CUT)
        self.database.execute(
            "INSERT INTO console_bloom (run, writer, chunk, bits) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (run, writer, chunk) DO UPDATE SET bits = excluded.bits",
            (run, writer, chunk, zlib.compress(build_bloom(text).tobytes(), 1)),
        )

    def _write_chunk(self, run: str, writer: str, chunk: int, started: int, text: str, state: int) -> None:
        data = text.encode()
        stored = zlib.compress(data, 6) if state else data
        self.database.execute(
            "INSERT INTO console (run, writer, chunk, started, lines, size, is_sealed, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, writer, chunk) DO UPDATE SET "
            "started = excluded.started, "
            "lines = excluded.lines, size = excluded.size, is_sealed = excluded.is_sealed, data = excluded.data",
            (run, writer, chunk, started, text.count("\n"), len(data), state, stored),
        )

    def iter_text(self, run: str) -> Iterator[str]:
        """Yield a run's console piece by piece, one writer after the other."""
        for chunk in self._read_chunks(run):
            yield self._read_text(run, chunk)

    def read_after(self, run: str, seen: Mapping[str, int]) -> tuple[str, dict[str, int]]:
        """Return what a run printed since, one writer after the other; only chunks that hold some of it are opened.

        Args:
            run: Its id.
            seen: By writer, how many bytes of UTF-8 were returned before; empty at first.

        Returns:
            The text, and `seen` for the next call.
        """
        rows = self.database.execute(
            "SELECT writer, chunk, is_sealed, size FROM console WHERE run = ? ORDER BY writer, chunk", (run,)
        )
        starts: dict[str, int] = {}
        found: list[bytes] = []
        for writer, number, is_sealed, size in rows:
            start = starts.get(writer, 0)
            skipped = max(0, seen.get(writer, 0) - start)
            if skipped < size:
                text = self._read_text(run, _Chunk(writer, number, is_sealed, 0))
                found.append(text.encode()[skipped:])
            starts[writer] = start + size
        return b"".join(found).decode(), starts

    def _read_chunks(self, run: str) -> list[_Chunk]:
        rows = self.database.execute(
            "SELECT writer, chunk, is_sealed, lines, started FROM console WHERE run = ? ORDER BY writer, chunk", (run,)
        )
        # Ordered here: in the query, when a writer began would be looked up for each of its chunks among all of them.
        began: dict[str, int] = {}
        for writer, _, _, _, started in rows:
            began[writer] = min(started, began.get(writer, started))
        placed = sorted(rows, key=lambda row: (began[row[0]], row[0], row[1]))
        chunks = [_Chunk(*row[:4]) for row in placed]
        for i, (chunk, following) in enumerate(itertools.pairwise(chunks)):
            if chunk.writer != following.writer and not self._read_text(run, chunk).endswith("\n"):
                chunks[i] = chunk._replace(lines=chunk.lines + 1, ends_line=True)
        return chunks

    def _read_text(self, run: str, chunk: _Chunk) -> str:
        state, data = self.database.execute(
            "SELECT is_sealed, data FROM console WHERE run = ? AND writer = ? AND chunk = ?",
            (run, chunk.writer, chunk.number),
        )[0]
        text = (zlib.decompress(data) if state else data).decode()
        return f"{text}\n" if chunk.ends_line else text

    def read_tail(self, run: str, lines: int) -> str:
        """Return the last lines that a run printed; reads no more chunks than that takes."""
        found = ""
        for chunk in reversed(self._read_chunks(run)) if lines else ():
            found = self._read_text(run, chunk) + found
            if found.count("\n") > lines:
                break
        at = len(found) - found.endswith("\n")
        for _ in range(lines):
            at = found.rfind("\n", 0, at)
            if at < 0:
                return found
        return found[at + 1 :] if lines else ""

    def count_lines(self, run: str) -> int:
        """Return how many whole lines a run printed."""
        return sum(chunk.lines for chunk in self._read_chunks(run))

    def count_all_lines(self, run: str) -> int:
        """Return how many lines a run printed, an unfinished last one among them."""
        chunks = self._read_chunks(run)
        whole = sum(chunk.lines for chunk in chunks)
        return whole + (bool(chunks) and not self._read_text(run, chunks[-1]).endswith("\n"))

    def read_lines(self, run: str, first: int, limit: int) -> list[str]:
        """Return lines `first` (from 1) and following without their line feeds, opening no more chunks than hold them.

        At most 16 Mi characters are looked at, so lines that are cut over very many chunks end early.
        """
        before = 0
        start, text = 0, ""
        for chunk in self._read_chunks(run):
            if before + chunk.lines >= first - 1:
                start = start if text else before
                text += self._read_text(run, chunk)
                if before + chunk.lines >= first - 1 + limit or len(text) >= _LOOKED_AT_CHARS:
                    break
            before += chunk.lines
        lines = text.split("\n")
        kept = lines if lines[-1] else lines[:-1]
        return kept[first - 1 - start :][:limit]

    def find_lines(self, run: str, needle: str) -> Iterator[ConsoleMatch]:
        """Yield a run's lines that hold the text, whatever its case, in order.

        A line that is cut over several chunks is put together first, and takes as much memory as it is long.
        """
        folded = fold_text(needle)
        wanted = bloom_places(folded)
        blooms = self._read_blooms([run])
        before = 0
        for unit in _join_cut(self._read_chunks(run)):
            bits = [blooms.get((run, chunk.writer, chunk.number)) for chunk in unit]
            if may_hold_joined(bits, wanted):
                lines = "".join(self._read_text(run, chunk) for chunk in unit).split("\n")
                for number, line in enumerate(lines if lines[-1] else lines[:-1], before + 1):
                    if folded in fold_text(line):
                        yield ConsoleMatch(run, number, line)
            before += sum(chunk.lines for chunk in unit)

    def _read_blooms(self, runs: Sequence[str]) -> dict[tuple[str, str, int], bytes]:
        marks = ", ".join("?" * len(runs))
        rows = self.database.execute(
            f"SELECT run, writer, chunk, bits FROM console_bloom WHERE run IN ({marks})", tuple(runs)
        )
        return {(run, writer, chunk): bits for run, writer, chunk, bits in rows}

    def find_runs(self, needle: str, *, batch: int = 2048) -> set[str]:
        """Return the runs that printed the text, whatever its case: filters first, then the chunks they leave.

        A text of several lines is found too, unless two writers printed a part of it each.
        """
        folded = fold_text(needle)
        wanted = bloom_places(folded)
        has_break = "\n" in folded
        found: set[str] = set()
        before: tuple[str, _Chunk, bytes | None] | None = None
        last: tuple[str, str, int] = ("", "", -1)
        while True:
            rows = self.database.execute(
                "SELECT c.run, c.writer, c.chunk, c.is_sealed, c.lines, b.bits FROM console c "
                "LEFT JOIN console_bloom b ON b.run = c.run AND b.writer = c.writer AND b.chunk = c.chunk "
                "WHERE (c.run, c.writer, c.chunk) > (?, ?, ?) ORDER BY c.run, c.writer, c.chunk LIMIT ?",
                (*last, batch),
            )
            for run, *place, bits in rows:
                chunk = _Chunk(*place)
                if run not in found and (
                    (may_hold(bits, wanted) and folded in fold_text(self._read_text(run, chunk)))
                    or (before is not None and self._lies_across(before, (run, chunk, bits), folded, wanted, has_break))
                ):
                    found.add(run)
                before = (run, chunk, bits)
            if len(rows) < batch:
                return found
            last = rows[-1][:3]

    def _lies_across(
        self,
        before: tuple[str, _Chunk, bytes | None],
        after: tuple[str, _Chunk, bytes | None],
        folded: str,
        wanted: NDArray[np.uint64],
        has_break: bool,
    ) -> bool:
        """Tell whether a text begins in one chunk and ends in the next of the same writer."""
        (run, first, first_bits), (next_run, second, second_bits) = before, after
        if (run, first.writer) != (next_run, second.writer) or not (has_break or first.state == _CUT):
            return False
        if not may_hold_joined([first_bits, second_bits], wanted):
            return False
        size = len(folded)
        tail, head = self._read_text(run, first)[-size:], self._read_text(run, second)[:size]
        return folded in fold_text(tail + head)


def _join_cut(chunks: Iterable[_Chunk]) -> Iterator[list[_Chunk]]:
    """Put chunks together that were cut within a line."""
    unit: list[_Chunk] = []
    for chunk in chunks:
        unit.append(chunk)
        if chunk.state != _CUT:
            yield unit
            unit = []
    if unit:
        yield unit


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
    return bits is None or not len(places) or bool(_has_bits(bits, places).all())


def may_hold_joined(bits: Sequence[bytes | None], places: NDArray[np.uint64]) -> bool:
    """Tell whether chunks, one behind the other, may hold the text, a part each perhaps."""
    filters = [part for part in bits if part is not None]
    if len(filters) < len(bits) or not len(places):
        return True
    missing = ~np.logical_or.reduce([_has_bits(part, places) for part in filters])
    return int(missing.sum()) <= _CROSSING * (len(filters) - 1)


def _has_bits(bits: bytes, places: NDArray[np.uint64]) -> NDArray[np.bool_]:
    packed = np.frombuffer(zlib.decompress(bits), np.uint8)
    shifts = (np.uint64(7) - (places & np.uint64(7))).astype(np.uint8)
    found: NDArray[np.bool_] = (packed[places >> np.uint64(3)] >> shifts & 1) != 0
    return found
