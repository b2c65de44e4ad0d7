"""The keys that a filter or a sort order may name, what kind of value each holds, and how they are spelled.

A key is a fixed word (`state`) or a family and a name (`params.optimizer.lr`); a metric's key ends in a
summary: a word, or `@` and a step. The kind decides how a value is read and which operators make sense.
Whether any run has the key is not asked here: a key that nobody has is merely missing everywhere.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from everbloom.core.records import Cause, State, Verdict
from everbloom.core.values import SUMMARIES, guess_direction
from everbloom.query.language.tokens import WORD, Piece, quote_text

Kind = Literal["text", "choice", "number", "time", "duration", "flag", "tags", "version", "any", "console"]
OperatorGroup = Literal["equal", "order", "in", "match", "null", "nan"]

DEFAULT_SUMMARY = "last"
_STEP = re.compile(r"@-?[0-9]{1,40}")
_STEP_MIN, _STEP_MAX = -(2**63), 2**63 - 1
HAYSTACK = "haystack"
"""The column behind bare words: folded name, note, tags, parameter names and values. No key of the language."""

_ALL: frozenset[OperatorGroup] = frozenset(get_args(OperatorGroup))
_NUMERIC: frozenset[OperatorGroup] = frozenset(("equal", "order", "in", "null", "nan"))
OPERATORS: dict[Kind, frozenset[OperatorGroup]] = {
    "text": _ALL,
    "any": _ALL,
    "version": _ALL,
    "choice": frozenset(("equal", "in", "match", "null", "nan")),
    "number": _NUMERIC,
    "time": _NUMERIC,
    "duration": _NUMERIC,
    "flag": frozenset(("equal", "in", "null", "nan")),
    "tags": frozenset(("equal", "in", "match", "null", "nan")),
    "console": frozenset(("match",)),
}


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a fixed key or a family holds, in one line for people, and its closed set of values if it has one."""

    kind: Kind
    says: str
    choices: tuple[str, ...] = ()


FIXED: dict[str, KeyInfo] = {
    "id": KeyInfo("text", "the run's id, 32 hex digits"),
    "name": KeyInfo("text", "the run's name"),
    "state": KeyInfo("choice", "how it stands", get_args(State)),
    "stalled": KeyInfo("flag", "true for a running run that has stopped giving signs of life"),
    "step": KeyInfo("number", "the highest step that rank 0 has logged"),
    "progress": KeyInfo("number", "step / total_steps, 0 to 1, where the run says how many it will take"),
    "end.cause": KeyInfo("choice", "why it ended", get_args(Cause)),
    "user": KeyInfo("text", "who ran it"),
    "namespace": KeyInfo("text", "the namespace it belongs to"),
    "project": KeyInfo("text", "the project it belongs to"),
    "experiment": KeyInfo("text", "the experiment it belongs to"),
    "group": KeyInfo("text", "the group it was put into"),
    "created": KeyInfo("time", "when it started"),
    "ended": KeyInfo("time", "when it ended; missing while it runs"),
    "duration": KeyInfo("duration", "how long it ran, in seconds"),
    "tag": KeyInfo("tags", "its tags, a set"),
    "likes": KeyInfo("number", "how many people like it"),
    "note": KeyInfo("text", "its note"),
    "why": KeyInfo("text", "what it was meant to find out"),
    "conclusion": KeyInfo("text", "what it found"),
    "verdict": KeyInfo("choice", "how the question was answered", get_args(Verdict)),
    "domain": KeyInfo("text", "the domain of application"),
    "parent": KeyInfo("text", "the id of the run it branched from"),
    "archived": KeyInfo("flag", "true when it was put away"),
    "console": KeyInfo("console", "what it printed"),
}

FAMILIES: dict[str, KeyInfo] = {
    "metrics": KeyInfo("number", "a metric's summary: last, min, max, first, mean, n, best or, as a column, @STEP"),
    "params": KeyInfo("any", "a parameter"),
    "env": KeyInfo("version", "Python, platform and installed packages; compared as versions"),
    "code": KeyInfo("any", "the code: commit, branch, dirty"),
    "data": KeyInfo("any", "the data used: rows, hash"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the language knows it; make it with `parse_pieces` or `key_of_column`.

    Attributes:
        root: A fixed key (`end.cause`) or a family (`params`).
        name: Within a family: the name, dots and all; else empty.
        summary: Of a metric: one of `SUMMARIES`, or `@` and a step for its value there; else empty.
    """

    root: str
    name: str = ""
    summary: str = ""

    @property
    def column(self) -> str:
        """The flat key of the column that holds it, such as `metrics.val/acc.max`."""
        return ".".join(part for part in (self.root, self.name, self.summary) if part)

    @property
    def step(self) -> int | None:
        """The step whose value is meant; None of what the index holds. Such a key can be a column and nothing else."""
        return int(self.summary[1:]) if self.summary.startswith("@") else None

    @property
    def info(self) -> KeyInfo:
        """What it holds."""
        return FIXED.get(self.root) or FAMILIES[self.root]

    @property
    def kind(self) -> Kind:
        """What kind of value it holds."""
        return self.info.kind


def parse_pieces(pieces: Sequence[Piece]) -> Key | None:
    """Return the key that a word spells, or None where it spells none; see `explain_pieces` for why."""
    words = [piece.text for piece in pieces]
    if not any(piece.is_quoted for piece in pieces) and (fixed := ".".join(words)) in FIXED:
        return Key(fixed)
    if len(pieces) < 2 or pieces[0].is_quoted or words[0] not in FAMILIES or "" in words:
        return None
    if words[0] != "metrics":
        return Key(words[0], ".".join(words[1:]))
    if len(pieces) > 2 and not pieces[-1].is_quoted and (summary := _read_summary(words[-1])):
        return Key("metrics", ".".join(words[1:-1]), summary)
    return Key("metrics", ".".join(words[1:]), DEFAULT_SUMMARY)


def _read_summary(word: str) -> str:
    """Return the summary that a word spells; the empty text where it spells none. A step is brought into int64."""
    if _STEP.fullmatch(word):
        return f"@{min(max(int(word[1:]), _STEP_MIN), _STEP_MAX)}"
    return word if word in SUMMARIES else ""


def explain_step(key: Key, what: str) -> tuple[str, list[str]]:
    """Say why a value at a step cannot be searched, sorted by and the like, and which keys could.

    Args:
        key: One with a step.
        what: What cannot be done, as in "searched" or "sorted by".
    """
    says = (
        f"`{print_key(key)}` is a value at a step, which is read from the curve of each run that is shown; it can be a "
        f"column and cannot be {what}."
    )
    return says, [print_key(Key(key.root, key.name, word)) for word in ("last", "best", "min", "max")]


def is_key_shaped(pieces: Sequence[Piece]) -> bool:
    """Tell whether a word can only be meant as a key: it has a family's prefix, quotes, or is `end.cause`."""
    if any(piece.is_quoted for piece in pieces):
        return True
    return len(pieces) > 1 and (pieces[0].text in FAMILIES or ".".join(p.text for p in pieces) in FIXED)


def explain_pieces(pieces: Sequence[Piece], known: Iterable[str] = ()) -> tuple[str, list[str]]:
    """Say why a word is no key, and which keys were perhaps meant, best first.

    Args:
        pieces: A word for which `parse_pieces` gave None.
        known: Columns that some run has, for better guesses.
    """
    typed = ".".join(piece.text for piece in pieces)
    root = pieces[0].text
    if root in FAMILIES and not pieces[0].is_quoted:
        if len(pieces) == 1 or not any(piece.text for piece in pieces[1:]):
            return f"`{root}` needs a name behind a dot.", nearest_keys(f"{root}.", known, prefix=True)
        says = "a name has an empty word between its dots; quote the name if it is really so."
        return says, [f"{root}.{quote_text(typed.partition('.')[2])}"]
    offers = nearest_keys(typed, known)
    if not offers and len(pieces) == 1 and WORD.fullmatch(typed):
        offers = [f"metrics.{typed}", f"params.{typed}"]
    if offers:
        return f"`{typed}` is not a key.", offers
    listed = ", ".join((*FIXED, *(f"{family}.*" for family in FAMILIES)))
    return f"`{typed}` is not a key. Keys are {listed}.", []


def nearest_keys(typed: str, known: Iterable[str] = (), *, prefix: bool = False, limit: int = 3) -> list[str]:
    """Return keys that look like what was typed, spelled as the language reads them, best first.

    Args:
        typed: A key as typed, right or wrong.
        known: Columns that some run has.
        prefix: Only keys that begin with what was typed.
        limit: At most so many.
    """
    keys = [key_of_column(column) for column in known if is_column(column)]
    spelled = [*FIXED, *(print_key(key) for key in keys)]
    if prefix:
        return [key for key in dict.fromkeys(spelled) if key.startswith(typed)][:limit]
    folded = typed.casefold()
    root, dot, rest = typed.partition(".")
    by_root = [f"{near}.{rest}" for near in difflib.get_close_matches(root, FAMILIES, 1, 0.7) if dot and rest]
    close = _find_close(folded, {key.casefold(): key for key in reversed(spelled)}, limit)
    names = {key.name.casefold(): print_key(key) for key in reversed(keys)}
    by_end = [spelling for name, spelling in names.items() if name.rpartition("/")[2] == folded]
    # Of a metric named in full both what it ended with and its best may be meant.
    whole = {key.name for key in keys if key.root == "metrics" and key.name.casefold() == folded}
    by_name = [print_key(Key("metrics", name, word)) for name in whole for word in _summaries_meant(name)]
    offers = (*by_root, *by_name, *_find_close(folded, names, limit), *by_end, *close)
    return [key for key in dict.fromkeys(offers) if key != typed][:limit]


def _summaries_meant(metric: str) -> tuple[str, ...]:
    return (DEFAULT_SUMMARY, "best") if guess_direction(metric) else (DEFAULT_SUMMARY,)


def _find_close(typed: str, spellings: dict[str, str], limit: int) -> list[str]:
    return [spellings[match] for match in difflib.get_close_matches(typed, spellings, limit, 0.7)]


def is_column(column: str) -> bool:
    """Tell whether a flat key is one that the language can name; `haystack` for one is not."""
    if column in FIXED:
        return True
    root, _, rest = column.partition(".")
    if root != "metrics":
        return bool(rest) and root in FAMILIES
    name, _, summary = rest.rpartition(".")
    return bool(name) and _read_summary(summary) == summary != ""


def key_of_column(column: str) -> Key:
    """Return the key of a flat column key; the inverse of `Key.column`.

    Raises:
        KeyError: `is_column` is false of it.
    """
    if not is_column(column):
        raise KeyError(column)
    if column in FIXED:
        return Key(column)
    root, _, rest = column.partition(".")
    if root != "metrics":
        return Key(root, rest)
    name, _, summary = rest.rpartition(".")
    return Key(root, name, summary)


def print_key(key: Key) -> str:
    """Spell a key as briefly as it can be read back: quotes and `.last` only where they are needed."""
    if not key.name:
        return key.root
    words = key.name.split(".")
    is_plain = WORD.fullmatch(key.name) is not None and "" not in words
    name = key.name if is_plain else quote_text(key.name)
    must_end = key.summary and (
        key.summary != DEFAULT_SUMMARY or (is_plain and len(words) > 1 and _read_summary(words[-1]) != "")
    )
    return f"{key.root}.{name}.{key.summary}" if must_end else f"{key.root}.{name}"
