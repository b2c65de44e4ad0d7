"""Recursive descent from tokens to a syntax tree: `or` below `and` below `not`, brackets above all.

A word that an operator follows is a key; any other word is searched for. Two searched words side by side
are joined by `and`; nothing else is, so that a forgotten `and` or a missing operator is an error and not
another meaning. Depth is bounded, length is not: `a or b or …` ten thousand times is a wide tree.
"""

from collections.abc import Callable, Iterable

from everbloom.core.errors import InvalidInput
from everbloom.query.language.ast import (
    And,
    Check,
    Compare,
    CompareOperator,
    Filter,
    Match,
    Member,
    Not,
    Or,
    Search,
    Text,
    Value,
)
from everbloom.query.language.complaints import complaint
from everbloom.query.language.keys import (
    FIXED,
    OPERATORS,
    Key,
    OperatorGroup,
    explain_pieces,
    explain_step,
    is_key_shaped,
    parse_pieces,
    print_key,
)
from everbloom.query.language.literals import Misfit, read_value
from everbloom.query.language.tokens import Token, quote_text, read_tokens

DEPTH_MAX = 64
RESERVED = ("and", "or", "not", "in", "like", "is")

_COMPARES: dict[str, CompareOperator] = {"=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_HABITS = {"contains": "~", "has": "~", "matches": "~", "ilike": "~", "equals": "=", "eq": "=", "between": ">="}


def parse_filter(text: str, *, known: Iterable[str] = ()) -> Filter | None:
    """Parse a filter; None for a blank one, which every run meets.

    Args:
        text: What a person typed, at most a million characters.
        known: Columns that some run has, for better guesses in errors; the meaning never depends on it.

    Raises:
        InvalidInput: It is no filter. `fields` has the column and what would fit; the code is one of
            `filter.syntax`, `filter.open_quote`, `filter.unknown_key`, `filter.at_step`, `filter.operator`,
            `filter.value`, `filter.too_deep`, `filter.too_long`.
    """
    parser = _Parser(text, read_tokens(text), known)
    if parser.current.kind == "end":
        return None
    parsed = parser.parse_or()
    parser.expect_end()
    return parsed


class _Parser:
    """One pass over the tokens; `current` is the next one to be read."""

    def __init__(self, text: str, tokens: list[Token], known: Iterable[str]) -> None:
        self._text = text
        self._tokens = tokens
        self._known = known
        self._next = 0
        self._depth = 0
        self._was_search = False  # the last thing read was a bare word, so another may follow without `and`
        self.current = tokens[0]

    def parse_or(self) -> Filter:
        parts = [self._parse_and()]
        while self.current.is_keyword("or"):
            self._advance()
            parts.append(self._parse_and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def expect_end(self) -> None:
        token = self.current
        if token.kind == "end":
            return
        if token.kind == ")":
            raise self._complain(token, "this bracket closes one that was never opened; remove it.")
        raise self._complain(
            token,
            f"`{self._source(token)}` stands where `and`, `or` or the end should. Join conditions with `and`, and "
            f"put a value of several words in quotes.",
            suggestions=[f"and {self._source(token)}"] if token.kind in ("word", "string") else [],
        )

    def _parse_and(self) -> Filter:
        parts = [self._parse_not()]
        while True:
            if self.current.is_keyword("and"):
                self._advance()
            elif not (self._was_search and self._starts_search()):
                break
            parts.append(self._parse_not())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _parse_not(self) -> Filter:
        if self.current.is_keyword("not"):
            return Not(self._nest(self._parse_not))
        return self._parse_primary()

    def _nest(self, parse: Callable[[], Filter]) -> Filter:
        """Read past `not` or an opening bracket and parse what it holds, one level deeper."""
        if self._depth == DEPTH_MAX:
            says = f"brackets and `not` are nested deeper than {DEPTH_MAX} levels; remove some."
            raise self._complain(self.current, says, code="filter.too_deep")
        self._advance()
        self._depth += 1
        parsed = parse()
        self._depth -= 1
        return parsed

    def _parse_primary(self) -> Filter:
        token = self.current
        if token.kind == "(":
            parsed = self._nest(self.parse_or)
            self._close_bracket(token)
            self._was_search = False
            return parsed
        if token.kind == "string" or (token.kind == "word" and not token.is_keyword(*RESERVED)):
            if self._operator_follows():
                self._was_search = False
                return self._parse_condition(self._read_key())
            self._check_search(token)
            self._advance()
            self._was_search = True
            return Search(token.value)
        raise self._complain_no_condition(token)

    def _close_bracket(self, opened: Token) -> None:
        if self.current.kind == ")":
            self._advance()
            return
        if self.current.kind != "end":
            self.expect_end()
        says = f"the bracket of column {opened.start + 1} is never closed; add `)`."
        raise self._complain(self.current, says, suggestions=[")"], expected="join")

    def _starts_search(self) -> bool:
        token = self.current
        if token.kind == "word" and (token.is_keyword(*RESERVED) or is_key_shaped(token.pieces)):
            return False
        return token.kind in ("word", "string") and not self._operator_follows()

    def _operator_follows(self) -> bool:
        following = self._peek(1)
        if following.is_keyword("not"):
            after = self._peek(2)
            return after.is_keyword("in", "like") or (after.kind == "operator" and after.value == "~")
        return following.kind == "operator" or following.is_keyword("in", "like", "is")

    def _check_search(self, token: Token) -> None:
        """Refuse a bare word that was surely meant as a condition."""
        following = self._peek(1)
        if token.kind == "word" and is_key_shaped(token.pieces):
            self._read_key()  # a misspelled one is the better thing to complain about
            says = f"`{token.value}` needs an operator behind it: = != < <= > >= in like ~ or is null."
            if following.kind == "end":
                raise self._complain(following, says, expected="operator", key=token.value)
            raise self._complain(following, says, suggestions=self._habit(following))
        if (
            token.kind == "word"
            and token.value in FIXED
            and following.kind == "word"
            and (habit := self._habit(following))
        ):
            says = f"`{following.value}` is not an operator. To search for both words, put them in quotes."
            raise self._complain(following, says, suggestions=habit)
        root, colon, rest = token.value.partition(":")
        if token.kind == "word" and colon and rest and root in FIXED:
            says = f"a key and its value are joined by an operator. To search for {token.value!r}, quote it."
            raise self._complain(token, says, suggestions=[f"{root} = {quote_text(rest)}"])

    def _habit(self, token: Token) -> list[str]:
        operator = _HABITS.get(token.value.lower())
        return [operator] if operator else []

    def _read_key(self) -> Key:
        token = self._advance()
        if token.kind == "string":
            says = "a key is not quoted as a whole; quote the odd part of it only."
            offers = [f"{root}.{quote_text(token.value)}" for root in ("metrics", "params")]
            raise self._complain(token, says, code="filter.unknown_key", suggestions=offers)
        key = parse_pieces(token.pieces)
        if key is None:
            says, offers = explain_pieces(token.pieces, self._known)
            if self.current.kind == "word":
                says += " To search for words, put them in quotes."
            raise self._complain(token, says, code="filter.unknown_key", suggestions=offers)
        if key.step is not None:
            says, offers = explain_step(key, "searched")
            raise self._complain(token, says, code="filter.at_step", suggestions=offers)
        return key

    def _parse_condition(self, key: Key) -> Filter:
        token = self._advance()
        if token.kind == "operator" and token.value in _COMPARES:
            self._check_operator(key, token, "equal" if token.value in ("=", "!=") else "order")
            return Compare(key, _COMPARES[token.value], self._parse_value(key, token))
        if token.is_keyword("is"):
            return self._parse_check(key, token)
        is_negated = token.is_keyword("not")
        operator = self._advance() if is_negated else token
        if operator.is_keyword("in"):
            self._check_operator(key, operator, "in")
            return Member(key, self._parse_list(key, operator), is_negated)
        self._check_operator(key, operator, "match")
        pattern = self._read_value_token(key, operator).value
        return Match(key, "~" if operator.kind == "operator" else "like", pattern, is_negated)

    def _parse_check(self, key: Key, token: Token) -> Filter:
        is_negated = self.current.is_keyword("not")
        if is_negated:
            self._advance()
        what = self.current
        if what.is_keyword("null", "nan"):
            self._check_operator(key, token, "null" if what.is_keyword("null") else "nan")
            self._advance()
            return Check(key, "null" if what.is_keyword("null") else "nan", is_negated)
        offers = [] if is_negated else ["= true"] * what.is_keyword("true") + ["= false"] * what.is_keyword("false")
        says = "behind `is` comes `null`, `nan`, `not null` or `not nan`; values are compared with `=`."
        raise self._complain(what, says, suggestions=offers, expected=self._at_end("check"))

    def _check_operator(self, key: Key, token: Token, group: OperatorGroup) -> None:
        allowed = OPERATORS[key.kind]
        if group in allowed:
            return
        spelled = {
            "equal": ["=", "!="],
            "order": ["<", "<=", ">", ">="],
            "in": ["in"],
            "match": ["~", "like"] if key.kind != "console" else ["~"],
            "null": ["is null"],
            "nan": ["is nan"],
        }
        fits = [operator for name, operators in spelled.items() if name in allowed for operator in operators]
        says = f"`{self._source(token)}` does not fit `{print_key(key)}` ({key.info.says}); these do: {' '.join(fits)}."
        raise self._complain(token, says, code="filter.operator")

    def _parse_list(self, key: Key, operator: Token) -> tuple[Value, ...]:
        opened = self.current
        if opened.kind != "(":
            says = "behind `in` comes a list in brackets."
            raise self._complain(opened, says, suggestions=['("a", "b")'], expected=self._at_end("bracket"))
        self._advance()
        values = [self._parse_value(key, operator)]
        while self.current.kind == ",":
            self._advance()
            values.append(self._parse_value(key, operator))
        if self.current.kind != ")":
            says = f"the list of column {opened.start + 1} goes on with `,` or ends with `)`."
            raise self._complain(self.current, says, suggestions=[",", ")"], expected=self._at_end("list"))
        self._advance()
        return tuple(values)

    def _parse_value(self, key: Key, operator: Token) -> Value:
        token = self._read_value_token(key, operator)
        try:
            value = read_value(key, token.value, is_quoted=token.kind == "string")
        except Misfit as misfit:
            raise self._complain(token, misfit.says, code="filter.value", suggestions=misfit.suggestions) from None
        if isinstance(value, Text) and token.kind == "word" and is_key_shaped(token.pieces):
            says = "a key is compared with a value, not with another key. If the text is meant, quote it."
            raise self._complain(token, says, code="filter.value", suggestions=[quote_text(token.value)])
        return value

    def _read_value_token(self, key: Key, operator: Token) -> Token:
        token = self.current
        if token.kind in ("word", "string") and not token.is_keyword(*RESERVED):
            return self._advance()
        if token.kind == "(" and operator.kind == "operator":
            raise self._complain(operator, "a list in brackets belongs behind `in`.", suggestions=["in"])
        found = f", not `{self._source(token)}`" if token.kind != "end" else ""
        hint = " A word of the language is quoted to be meant as a text." if token.kind == "word" else ""
        says = f"behind `{self._source(operator)}` comes a value{found}.{hint}"
        raise self._complain(token, says, expected=self._at_end("value"), key=print_key(key))

    def _complain_no_condition(self, token: Token) -> InvalidInput:
        if token.kind == "end":
            says = 'a condition is missing at the end, such as `state = "finished"` or a word to search for.'
            return self._complain(token, says, expected="condition")
        if token.kind == "word":
            says = f"`{token.value}` is a word of the language; quote it to search for it."
            return self._complain(token, says, suggestions=[quote_text(token.value)])
        return self._complain(token, f"a condition starts with a key or a word, not with `{self._source(token)}`.")

    def _complain(
        self,
        token: Token,
        says: str,
        *,
        code: str = "filter.syntax",
        suggestions: Iterable[str] = (),
        expected: str = "",
        key: str = "",
    ) -> InvalidInput:
        return complaint(
            self._text,
            token.start,
            token.end,
            says,
            code=code,
            suggestions=suggestions,
            expected=expected,
            key=key,
        )

    def _at_end(self, expected: str) -> str:
        return expected if self.current.kind == "end" else ""

    def _source(self, token: Token) -> str:
        source = self._text[token.start : token.end]
        return source if len(source) <= 40 else source[:40] + "…"

    def _peek(self, ahead: int) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _advance(self) -> Token:
        token = self.current
        self._next = min(self._next + 1, len(self._tokens) - 1)
        self.current = self._tokens[self._next]
        return token
