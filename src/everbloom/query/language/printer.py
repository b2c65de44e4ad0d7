"""A syntax tree as text, with no more brackets and quotes than it takes to read the same tree back."""

from everbloom.query.language.ast import And, Check, Compare, Filter, Match, Member, Not, Or, Search
from everbloom.query.language.keys import is_key_shaped, print_key
from everbloom.query.language.literals import print_value
from everbloom.query.language.parser import RESERVED
from everbloom.query.language.tokens import WORD, Piece, quote_text

_OR, _AND, _NOT = range(3)


def print_filter(parsed: Filter | None) -> str:
    """Write a filter so that `parse_filter` gives an equal tree; the empty text for None."""
    return "" if parsed is None else _print(parsed, _OR)


def _print(node: Filter, level: int) -> str:
    """Write a node that stands inside an operator of the given level."""
    match node:
        case Or(parts):
            return _bracket(" or ".join(_print(part, _AND) for part in parts), level > _OR)
        case And(parts):
            return _bracket(" and ".join(_print(part, _NOT) for part in parts), level > _AND)
        case Not(part):
            return f"not {_print(part, _NOT)}"
        case Search(text):
            return text if _is_plain_search(text) else quote_text(text)
        case Compare(key, operator, value):
            return f"{print_key(key)} {operator} {print_value(value)}"
        case Member(key, values, is_negated):
            listed = ", ".join(print_value(value) for value in values)
            return f"{print_key(key)} {'not ' * is_negated}in ({listed})"
        case Match(key, operator, pattern, is_negated):
            return f"{print_key(key)} {'not ' * is_negated}{operator} {quote_text(pattern)}"
        case Check(key, what, is_negated):
            return f"{print_key(key)} is {'not ' * is_negated}{what}"


def _bracket(text: str, is_needed: bool) -> str:
    return f"({text})" if is_needed else text


def _is_plain_search(text: str) -> bool:
    """Tell whether a text is read back as a search for itself without quotes."""
    if not WORD.fullmatch(text) or text.lower() in RESERVED or ":" in text:
        return False
    return not is_key_shaped([Piece(part, False) for part in text.split(".")])
