"""Full text of runs: names, tags, notes, conclusions, parameters, errors and the last console lines.

A run matches when its text holds every word asked for, whatever the case. What matches in its name comes first, then
in its tags, and so on in the order of `RunText`; then the newest: the same list on both engines, before any limit
(docs/decisions/0017). Candidates are found by trigrams: FTS5's on SQLite, an index of `pg_trgm` on PostgreSQL where
the server has it.
"""

import contextlib
import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from everbloom.core.errors import EverbloomError
from everbloom.core.values import fold_text
from everbloom.index.engine import Database, escape_text

_ASKED_MAX = 32  # words that the database is asked for; SQLite takes a condition of at most 1,000 parts
_ODD = re.compile("[\x00\x1a]")  # stored as escapes, whose hex digits must not be found


class RunText(NamedTuple):
    """What a run is found by, the most telling part first; a word's rank is the first part that holds it.

    Attributes:
        name: The run's name.
        tags: Its tags.
        words: What people wrote: why, note, conclusion, domain, group, user, links.
        params: A parameter a line.
        error: The exception that ended it.
        console: What it printed last.
    """

    name: str = ""
    tags: str = ""
    words: str = ""
    params: str = ""
    error: str = ""
    console: str = ""

    @property
    def body(self) -> str:
        """The parts, one below the other."""
        return "\n".join(self)

    def rank(self, words: Sequence[str]) -> int | None:
        """Return the number of the first part up to which all case-folded words are found; None where one is not."""
        parts = [fold_text(part) for part in self]
        found = [next((rank for rank, part in enumerate(parts) if word in part), None) for word in words]
        return None if None in found else max(rank for rank in found if rank is not None)


CONSOLE_RANK = RunText._fields.index("console")
_ENDS = tuple(f"{name}_end" for name in RunText._fields[:-1])


class TextMatch(NamedTuple):
    """A run that matches: the line where it does, and in which part of its text, 0 = its name."""

    run: str
    excerpt: str
    rank: int


class TextIndex:
    """Full text in one database; shares the catalog's connection and transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def ensure_schema(self) -> None:
        """Create the tables that are missing."""
        self.database.create(
            # Where each part ends stands before the long texts: SQLite reads a row from its beginning.
            f"CREATE TABLE IF NOT EXISTS run_text (seq {{serial}}, run {{text}} NOT NULL UNIQUE, "
            f"{' '.join(f'{end} {{int}} NOT NULL,' for end in _ENDS)} folded {{text}} NOT NULL, body {{text}} NOT NULL)"
        )
        if self.database.engine == "sqlite":
            self.database.create(
                "CREATE VIRTUAL TABLE IF NOT EXISTS run_trigrams USING fts5 "
                "(folded, content='run_text', content_rowid='seq', tokenize='trigram case_sensitive 1')"
            )
            return
        with contextlib.suppress(EverbloomError):  # a server without it finds substrings by reading, only slower
            # In `public`, not in the index's own schema, which goes when the index is rebuilt.
            self.database.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
            ((home,),) = self.database.execute(
                "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm'"
            )
            self.database.create(
                f"CREATE INDEX IF NOT EXISTS run_text_trigrams ON run_text USING gin (folded {home}.gin_trgm_ops)"
            )

    def write_text(self, run: str, text: RunText) -> None:
        """Set the text of a run, within the caller's transaction."""
        body, parts = text.body, [fold_text(part) for part in text]
        folded = "\n".join(parts)
        # Counted in what is stored, and one for each line feed: the place of a part's last character, from 1.
        ends = list(itertools.accumulate(len(escape_text(part)) + 1 for part in parts[:-1]))
        known = self.database.execute("SELECT seq, body, folded FROM run_text WHERE run = ?", (run,))
        if known and known[0][1] == body:
            return
        if known:
            seq, _, old = known[0]
            self._change_words("INSERT INTO {0} ({0}, rowid, folded) VALUES ('delete', ?, ?)", seq, old)
            changes = "".join(f"{end} = ?, " for end in _ENDS)
            self.database.execute(
                f"UPDATE run_text SET {changes}folded = ?, body = ? WHERE seq = ?", (*ends, folded, body, seq)
            )
        else:
            ((seq,),) = self.database.execute(
                f"INSERT INTO run_text (run, {', '.join(_ENDS)}, folded, body) "
                f"VALUES (?, {'?, ' * len(_ENDS)}?, ?) RETURNING seq",
                (run, *ends, folded, body),
            )
        self._change_words("INSERT INTO {0} (rowid, folded) VALUES (?, ?)", seq, folded)

    def _change_words(self, statement: str, seq: int, folded: str) -> None:
        if self.database.engine == "sqlite":  # PostgreSQL keeps its indexes up to date by itself
            self.database.execute(statement.format("run_trigrams"), (seq, folded))

    def find_runs(self, query: str, projects: Sequence[int], *, limit: int = 50) -> list[TextMatch]:
        """Return the runs of these projects whose text holds every word of the query, best first, then the newest."""
        words = list(dict.fromkeys(fold_text(query).split()))
        if not words or not projects or limit < 1:
            return []
        asked = sorted(words, key=len, reverse=True)[:_ASKED_MAX]
        wanted = limit
        while True:
            rows = self._read_best(asked, projects, wanted)
            found = [row for row in rows if self._is_meant(row[1], words, asked)][:limit]
            if len(found) == limit or len(rows) < wanted:
                return [TextMatch(run, excerpt_of(body, words), rank) for run, body, rank in found]
            wanted *= 4  # some of them do not hold what was not asked for, so more are needed

    def _is_meant(self, body: str, words: Sequence[str], asked: Sequence[str]) -> bool:
        is_sure = len(words) == len(asked) and _ODD.search(body) is None
        return is_sure or _holds_all(body, words)

    def _read_best(self, words: list[str], projects: Sequence[int], limit: int) -> list[tuple[str, str, int]]:
        conditions, values = self._match_words(words)
        marks = ", ".join("?" * len(projects))
        # The texts themselves are read of what is shown only.
        return [
            (run, body, rank)
            for run, body, rank in self.database.execute(
                f"SELECT run_text.run, run_text.body, best.place FROM ("
                f"SELECT run_text.seq AS seq, run.created AS created, run.id AS id, {self._rank_words(words)} AS place "
                f"FROM run_text JOIN run ON run.id = run_text.run "
                f"WHERE run.project IN ({marks}) AND {' AND '.join(conditions)} "
                f"ORDER BY place, created DESC, id DESC LIMIT ?"
                f") AS best JOIN run_text ON run_text.seq = best.seq "
                f"ORDER BY best.place, best.created DESC, best.id DESC",
                (*words, *projects, *values, limit),
            )
        ]

    def _rank_words(self, words: list[str]) -> str:
        """Return the expression of `RunText.rank`; each word is one value of it."""
        is_sqlite = self.database.engine == "sqlite"
        find, greatest = ("instr", "max") if is_sqlite else ("strpos", "greatest")
        cases = " ".join(f"WHEN p <= run_text.{end} THEN {rank}" for rank, end in enumerate(_ENDS))
        rank = f"(SELECT CASE {cases} ELSE {len(_ENDS)} END FROM (SELECT {find}(run_text.folded, ?) AS p) AS found)"
        return rank if len(words) == 1 else f"{greatest}({', '.join([rank] * len(words))})"

    def _match_words(self, words: list[str]) -> tuple[list[str], list[str]]:
        if self.database.engine == "postgres":
            return ["run_text.folded LIKE ? ESCAPE '!'"] * len(words), [f"%{_escape_like(word)}%" for word in words]
        conditions, values = [], []
        for word in words:
            # Trigrams cannot find less than three characters; those are looked for in the text itself.
            if len(word) >= 3:
                conditions.append("run_text.seq IN (SELECT rowid FROM run_trigrams WHERE run_trigrams MATCH ?)")
                values.append(_quote_match(word))
            else:
                conditions.append("instr(run_text.folded, ?) > 0")
                values.append(word)
        return conditions, values


def _holds_all(body: str, words: Sequence[str]) -> bool:
    folded = fold_text(body)
    return all(word in folded for word in words)


def excerpt_of(body: str, words: Sequence[str], *, width: int = 120) -> str:
    """Return the line of a text that holds most of the case-folded words, cut to a width around the first."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    if not lines:
        return ""
    best = max(lines, key=lambda line: sum(word in fold_text(line) for word in words))
    at = next((fold_text(best).find(word) for word in words if word in fold_text(best)), 0)
    start = max(0, min(at - width // 3, len(best) - width))
    cut = best[start : start + width]
    return f"{'…' if start else ''}{cut}{'…' if start + width < len(best) else ''}"


def _quote_match(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _escape_like(word: str) -> str:
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
