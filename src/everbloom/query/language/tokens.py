"""From text to tokens: words, quoted texts, operators and punctuation, each with its place.

A word is whatever stands between spaces, brackets, commas, quotes and operators; whether it is a key, a
number, a date or something to search for is decided where it is used, because `2.1` is a version after
`env.torch` and a number after `params.lr`. Quotes are doubled inside quotes as in SQL and nothing else is
escaped, so a Windows path or a LIKE pattern needs no second layer of backslashes.
"""

import re
from dataclasses import dataclass
from typing import Literal

from everbloom.query.language.complaints import complaint

TEXT_MAX_CHARS = 1_000_000

TokenKind = Literal["word", "string", "operator", "(", ")", ",", "end"]

WORD = re.compile(r"""[^\s(),"'=<>!~]+""")
_SPACE = re.compile(r"\s+")
_OPERATOR = re.compile(r"<=|>=|!=|==|<>|=|<|>|~")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"|' r"'((?:[^']|'')*)'")
_PUNCTUATION: dict[str, TokenKind] = {"(": "(", ")": ")", ",": ","}
_SYNONYMS = {"==": "=", "<>": "!="}


@dataclass(frozen=True, slots=True)
class Piece:
    """One dotted part of a word: `params."a b"` has two."""

    text: str
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands: `text[start:end]`.

    `value` is a string's content, an operator in its one spelling, or a word as typed.
    """

    kind: TokenKind
    value: str
    start: int
    end: int
    pieces: tuple[Piece, ...] = ()

    def is_keyword(self, *words: str) -> bool:
        """Tell whether this is one of the words of the language, in any case."""
        return self.kind == "word" and self.value.lower() in words


def read_tokens(text: str, *, noun: str = "filter") -> list[Token]:
    """Split a filter or a sort order into tokens; the last one is of kind "end".

    Args:
        text: What a person typed.
        noun: "filter" or "sort": the first word of the error's code.

    Raises:
        InvalidInput: A quote is never closed or stands inside a word, `!` stands alone, or the text is longer
            than a million characters.
    """
    if len(text) > TEXT_MAX_CHARS:
        says = f"it has {len(text)} characters; at most {TEXT_MAX_CHARS} are read."
        raise complaint(text, TEXT_MAX_CHARS, TEXT_MAX_CHARS, says, code=f"{noun}.too_long")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
            continue
        token = _read_token(text, position, noun)
        tokens.append(token)
        position = token.end
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _read_token(text: str, start: int, noun: str) -> Token:
    first = text[start]
    if kind := _PUNCTUATION.get(first):
        return Token(kind, first, start, start + 1)
    if operator := _OPERATOR.match(text, start):
        spelled = operator.group()
        return Token("operator", _SYNONYMS.get(spelled, spelled), start, operator.end())
    if first in "\"'":
        content, end = _read_quoted(text, start, noun)
        _check_closed(text, end, noun)
        return Token("string", content, start, end)
    if first == "!":
        says = "`!` alone means nothing here; write `not`, or `!=` for unequal."
        raise complaint(text, start, start + 1, says, code=f"{noun}.syntax", suggestions=["not"])
    return _read_word(text, start, noun)


def _read_word(text: str, start: int, noun: str) -> Token:
    """Read raw and quoted pieces that hang together by dots."""
    pieces: list[Piece] = []
    position = start
    while raw := WORD.match(text, position):
        position = raw.end()
        parts = raw.group().split(".")
        if pieces:  # the raw text goes on behind a quoted piece, so it begins with a dot
            parts = parts[1:]
        if text[position : position + 1] not in ("'", '"'):
            pieces += [Piece(part, False) for part in parts]
            break
        if parts[-1]:
            says = "a quote opens inside a word; put a space before it, or quote the whole word."
            raise complaint(text, position, position + 1, says, code=f"{noun}.syntax")
        pieces += [Piece(part, False) for part in parts[:-1]]
        content, position = _read_quoted(text, position, noun)
        pieces.append(Piece(content, True))
        if text[position : position + 1] != ".":
            _check_closed(text, position, noun)
            break
    return Token("word", text[start:position], start, position, tuple(pieces))


def _read_quoted(text: str, start: int, noun: str) -> tuple[str, int]:
    found = _QUOTED.match(text, start)
    if found is None:
        quote = text[start]
        says = f"the quote {quote} opens here and is never closed; add {quote} where the text ends."
        raise complaint(text, start, start + 1, says, code=f"{noun}.open_quote", expected="value")
    quote = text[start]
    return found.group()[1:-1].replace(quote * 2, quote), found.end()


def _check_closed(text: str, end: int, noun: str) -> None:
    following = text[end : end + 1]
    if following in ("'", '"') or WORD.match(text, end):
        says = "something follows a closing quote at once; put a space between, or a doubled quote inside."
        if following:
            raise complaint(text, end, end + 1, says, code=f"{noun}.syntax")


def quote_text(text: str) -> str:
    """Return the text in double quotes, as `read_tokens` reads it back."""
    return '"' + text.replace('"', '""') + '"'
