"""Full text of runs: names, notes, conclusions, tags, parameters, errors and the last console lines.

A run matches when its text holds every word asked for, whatever the case, so the answer is the same on both
engines; only ranks are the engine's own. SQLite finds candidates by FTS5 with trigrams and ranks whole words
by FTS5 with Porter's stemmer; PostgreSQL by `tsvector` and, where the server has it, a `pg_trgm` index.
"""

import contextlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from everbloom.core.errors import EverbloomError
from everbloom.core.values import fold_text
from everbloom.index.engine import Database

_RANKED_MAX = 1000  # beyond so many matches, rank is by time alone
_ASKED_MAX = 32  # words that the database is asked for; SQLite takes a condition of at most 1,000 parts
_ODD = re.compile("[\x00\x1a]")  # stored as escapes, whose hex digits must not be found
# PostgreSQL refuses a text whose words take more than 1 MiB as a `tsvector`; words behind this do not rank.
_WORDS = "to_tsvector('english', left(folded, 200000))"


class TextMatch(NamedTuple):
    """A run that matches, best first; `excerpt` shows where."""

    run: str
    excerpt: str


class TextIndex:
    """Full text in one database; shares the catalog's connection and transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def ensure_schema(self) -> None:
        """Create the tables that are missing."""
        self.database.create(
            "CREATE TABLE IF NOT EXISTS run_text (seq {serial}, run {text} NOT NULL UNIQUE, body {text} NOT NULL, "
            "folded {text} NOT NULL)"
        )
        if self.database.engine == "sqlite":
            self.database.create(
                "CREATE VIRTUAL TABLE IF NOT EXISTS run_trigrams USING fts5 "
                "(folded, content='run_text', content_rowid='seq', tokenize='trigram case_sensitive 1')",
                "CREATE VIRTUAL TABLE IF NOT EXISTS run_words USING fts5 "
                "(folded, content='run_text', content_rowid='seq', tokenize='porter unicode61')",
            )
            return
        self.database.create(f"CREATE INDEX IF NOT EXISTS run_text_words ON run_text USING gin ({_WORDS})")
        with contextlib.suppress(EverbloomError):  # a server without it finds substrings by reading, only slower
            # In `public`, not in the index's own schema, which goes when the index is rebuilt.
            self.database.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
            ((home,),) = self.database.execute(
                "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm'"
            )
            self.database.create(
                f"CREATE INDEX IF NOT EXISTS run_text_trigrams ON run_text USING gin (folded {home}.gin_trgm_ops)"
            )

    def write_text(self, run: str, body: str) -> None:
        """Set the text of a run, within the caller's transaction."""
        folded = fold_text(body)
        known = self.database.execute("SELECT seq, body, folded FROM run_text WHERE run = ?", (run,))
        if known and known[0][1] == body:
            return
        if known:
            seq, _, old = known[0]
            self._change_words("INSERT INTO {0} ({0}, rowid, folded) VALUES ('delete', ?, ?)", seq, old)
            self.database.execute("UPDATE run_text SET body = ?, folded = ? WHERE seq = ?", (body, folded, seq))
        else:
            ((seq,),) = self.database.execute(
                "INSERT INTO run_text (run, body, folded) VALUES (?, ?, ?) RETURNING seq", (run, body, folded)
            )
        self._change_words("INSERT INTO {0} (rowid, folded) VALUES (?, ?)", seq, folded)

    def _change_words(self, statement: str, seq: int, folded: str) -> None:
        if self.database.engine == "sqlite":  # PostgreSQL keeps its indexes up to date by itself
            for table in ("run_trigrams", "run_words"):
                self.database.execute(statement.format(table), (seq, folded))

    def find_runs(self, query: str, projects: Sequence[int], *, limit: int = 50) -> list[TextMatch]:
        """Return the runs of these projects whose text holds every word of the query, best first."""
        words = list(dict.fromkeys(fold_text(query).split()))
        if not words or not projects:
            return []
        asked = sorted(words, key=len, reverse=True)[:_ASKED_MAX]
        conditions, values = self._match_words(asked)
        marks = ", ".join("?" * len(projects))
        rows = self.database.execute(
            f"SELECT run_text.seq, run_text.run, run_text.body FROM run_text JOIN run ON run.id = run_text.run "
            f"WHERE run.project IN ({marks}) AND {' AND '.join(conditions)} ORDER BY run.created DESC, run.id DESC "
            f"LIMIT ?",
            (*projects, *values, max(limit, _RANKED_MAX)),
        )
        if len(words) > len(asked) or any(_ODD.search(body) for _, _, body in rows):
            rows = [row for row in rows if _holds_all(row[2], words)]
        ranks = self._read_ranks(asked)
        ranked = sorted(enumerate(rows), key=lambda entry: (ranks.get(entry[1][0], 0.0), entry[0]))
        return [TextMatch(run, excerpt_of(body, words)) for _, (_, run, body) in ranked[:limit]]

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

    def _read_ranks(self, words: list[str]) -> dict[int, float]:
        """Return the engine's rank of texts that hold some of the words whole; less is better."""
        if self.database.engine == "postgres":
            rows = self.database.execute(
                f"SELECT seq, -ts_rank({_WORDS}, plainto_tsquery('english', ?)) AS rank "
                f"FROM run_text WHERE {_WORDS} @@ plainto_tsquery('english', ?) ORDER BY rank LIMIT ?",
                (" ".join(words), " ".join(words), _RANKED_MAX),
            )
        else:
            rows = self.database.execute(
                "SELECT rowid, rank FROM run_words WHERE run_words MATCH ? ORDER BY rank LIMIT ?",
                (" OR ".join(_quote_match(word) for word in words), _RANKED_MAX),
            )
        return dict(rows)


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
